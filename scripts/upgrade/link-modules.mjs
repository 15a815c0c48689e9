/**
 * Modules of others for a build that lies outside the repository: links to what this repository has installed. Ours are
 * left out, the build has its own. A link leads back here, so what a module needs itself is found as always.
 */
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const installed = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** @param {string} folder Gets a `node_modules`, or more in the one it has. */
export function linkModules(folder) {
  const target = join(folder, "node_modules");
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name.startsWith(".") || name === "@herorunner") continue;
    symlinkSync(join(installed, name), join(target, name));
  }
}
