/**
 * Part of `npm run build`: compiles what is in C where there is a compiler, $CC or cc. Without one everything works, and
 * takes more processor time: jobs are started through the spawn server in Python, signatures checked by WebAssembly.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} folder All sources in it make one file.
 * @property {string} target
 * @property {readonly string[]} flags
 * @property {string} without What is so where it is missing.
 */

const platform = `${process.platform}-${process.arch}`;
/** @type {readonly Part[]} */
const parts = [
  {
    name: "spawn server",
    folder: folderOf("runner"),
    target: join("build", `spawn-server-${platform}`),
    flags: [],
    without: "jobs are started through Python or plainly",
  },
  {
    name: "signature check",
    folder: folderOf("job"),
    target: join("build", `signature-check-${platform}.node`),
    flags: ["-shared", "-fPIC", "-fvisibility=hidden"],
    without: "signatures are checked by WebAssembly",
  },
];
const [compiler = "cc", ...compilerFlags] = (process.env["CC"] || "cc").trim().split(/\s+/);
const sharedFlags = [
  "-std=gnu11",
  "-O2",
  "-s",
  "-Wall",
  "-Wextra",
  "-fstack-protector-strong",
  "-D_FORTIFY_SOURCE=2",
];

if (process.platform === "linux") for (const part of parts) if (!isRight(part)) build(part);

/** @param {string} name */
function folderOf(name) {
  return fileURLToPath(new URL(`../packages/${name}/native/`, import.meta.url));
}

/** @param {Part} part */
function filesOf({ folder }) {
  return readdirSync(folder).filter((name) => /\.[ch]$/.test(name));
}

/** @param {Part} part */
function isRight(part) {
  const builtMs = changedMs(join(part.folder, part.target));
  const sources = filesOf(part).map((name) => join(part.folder, name));
  return [fileURLToPath(import.meta.url), ...sources].every((path) => changedMs(path) < builtMs);
}

/** @param {string} path */
function changedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A runner that starts meanwhile finds the old one, the new one or none. @param {Part} part */
function build(part) {
  const { name, folder, target, without } = part;
  mkdirSync(join(folder, "build"), { recursive: true });
  const fresh = join("build", `new-${process.pid}`);
  const problem = compile(part, fresh);
  if (problem === undefined) return renameSync(join(folder, fresh), join(folder, target));
  rmSync(join(folder, target), { force: true });
  console.log(`${name}: not compiled, ${without}; ${problem}`);
}

/**
 * Undefined, or why not. From inside the folder, so that no path of this machine gets into the file.
 * @param {Part} part @param {string} fresh
 */
function compile(part, fresh) {
  const { folder, flags } = part;
  const sources = filesOf(part).filter((name) => name.endsWith(".c"));
  try {
    execFileSync(compiler, [...compilerFlags, ...sharedFlags, ...flags, "-o", fresh, ...sources], {
      cwd: folder,
      stdio: ["ignore", "inherit", "pipe"],
    });
    return undefined;
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string, stderr?: Buffer }} */ (error);
    if (code === "ENOENT") return `there is no C compiler (${compiler})`;
    if (code !== undefined) return `the C compiler (${compiler}) cannot be started: ${code}`;
    const said = String(stderr).trim().split("\n");
    return said.find((line) => line.includes("error:")) ?? said[0];
  }
}
