/**
 * Runs in a workspace's folder before npm packs it: what is packed must be what the sources say, so a build that is older
 * than its sources is refused. The steps after the compiler are done again where they have to be: an installed program
 * takes its bundle for right.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import "./native.mjs";
import "./finish-build.mjs";
import "./bundle.mjs";

const builtMs = changedMs("tsconfig.tsbuildinfo");
const newer = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".ts") && changedMs(join("src", path)) > builtMs,
);
if (newer.length > 0) {
  const which = builtMs === 0 ? "is not built" : `src/${newer[0]} was changed after the last build`;
  console.error(`packages/${basename(process.cwd())}: ${which}; run npm run build first`);
  process.exitCode = 1;
}

/** @param {string} path */
function changedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
