/**
 * An actor of one's own: a file that exports `actor`, which says what it can do. Load it with `hero run … --actors DIR`.
 * `run` returns data, at once; `print` turns it into text where the action stands in a script.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** @type {import("@herorunner/hero").ActorDefinition} */
export const actor = {
  name: "disk",
  doc: "What lies on the disk.",
  actions: {
    usage: {
      doc: "Counts the files of a folder and their bytes.",
      params: {
        path: { kind: "path", required: true, doc: "the folder; a relative path starts at the script" },
      },
      run({ path }) {
        return measure(path);
      },
      print({ files, bytes }) {
        return `${files} files, ${Math.ceil(bytes / 1024)} KiB`;
      },
    },
  },
};

function measure(folder) {
  let files = 0;
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = measure(path);
      files += below.files;
      bytes += below.bytes;
    } else if (entry.isFile()) {
      files++;
      bytes += statSync(path).size;
    }
  }
  return { files, bytes };
}
