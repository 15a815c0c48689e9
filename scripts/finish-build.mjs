/**
 * Last step of `npm run build`, for every workspace: compiled files whose source is gone are removed, for the compiler
 * leaves them, and the commit of this checkout is written into `dist/build.json`, where the programs read it. Outside a
 * checkout, or without git, that file goes away, and `--version` shows the version alone.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../", import.meta.url));
const buildFile = "build.json";
/** Made from many sources, by a step of its own: `dist/bundle/…`, `dist/bundle.js`. */
const bundled = /\bbundle\b/;

/** @type {{ workspaces: string[] }} */
const { workspaces } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
const commit = headCommit();
for (const workspace of workspaces) {
  const folder = join(repository, workspace);
  mkdirSync(join(folder, "dist"), { recursive: true });
  for (const path of leftovers(folder)) rmSync(join(folder, "dist", path), { force: true });
  const file = join(folder, "dist", buildFile);
  if (commit === undefined) rmSync(file, { force: true });
  else writeWhereNew(file, `${JSON.stringify({ commit })}\n`);
}

/** @param {string} folder */
function leftovers(folder) {
  const sources = new Set(filesBelow(join(folder, "src")).map((path) => path.replace(/\.ts$/, "")));
  return filesBelow(join(folder, "dist"))
    .filter((path) => path !== buildFile && !bundled.test(path))
    .filter((path) => !sources.has(path.replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, "")));
}

/** @param {string} folder */
function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** A program that is just starting must not find half a file. @param {string} file @param {string} text */
function writeWhereNew(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

/**
 * A copy of the sources that lies inside somebody else's checkout must not take that one's commit: here, the prefix is empty.
 * A checkout that another user owns is as good for reading a name.
 */
function headCommit() {
  try {
    const answer = execFileSync("git", ["-c", "safe.directory=*", "rev-parse", "--show-prefix", "HEAD"], {
      cwd: repository,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return /^\n([0-9a-f]{40,64})\n$/.exec(answer)?.[1];
  } catch {
    return undefined;
  }
}
