/** The version of this program, from its package. */
import { readFileSync } from "node:fs";

// The package file is ours and always holds a version.
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export { version };
