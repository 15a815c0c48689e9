/**
 * Part of `npm run build`: compiles the spawn server in C (packages/runner/native) where there is a compiler, $CC or cc.
 * Without one the runner starts its jobs through the same server in Python, which takes about twice the processor time.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../packages/runner/native/", import.meta.url));
const target = join("build", `spawn-server-${process.platform}-${process.arch}`);
const [compiler = "cc", ...compilerFlags] = (process.env["CC"] || "cc").trim().split(/\s+/);
const flags = [
  "-std=gnu11",
  "-O2",
  "-s",
  "-Wall",
  "-Wextra",
  "-fstack-protector-strong",
  "-D_FORTIFY_SOURCE=2",
];
const files = readdirSync(folder).filter((name) => /\.[ch]$/.test(name));
const sources = files.filter((name) => name.endsWith(".c"));

if (process.platform === "linux" && !isRight()) build();

function isRight() {
  const builtMs = changedMs(target);
  return [fileURLToPath(import.meta.url), ...files].every((name) => changedMs(name) < builtMs);
}

/** @param {string} name */
function changedMs(name) {
  return statSync(name.startsWith("/") ? name : join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A runner that starts meanwhile finds the old one, the new one or none. */
function build() {
  mkdirSync(join(folder, "build"), { recursive: true });
  const fresh = join("build", `new-${process.pid}`);
  const problem = compile(fresh);
  if (problem === undefined) return renameSync(join(folder, fresh), join(folder, target));
  rmSync(join(folder, target), { force: true });
  console.log(`spawn server: not compiled, jobs are started through Python or plainly; ${problem}`);
}

/** Undefined, or why not. From inside the folder, so that no path of this machine gets into the file. @param {string} fresh */
function compile(fresh) {
  try {
    execFileSync(compiler, [...compilerFlags, ...flags, "-o", fresh, ...sources], {
      cwd: folder,
      stdio: ["ignore", "inherit", "pipe"],
    });
    return undefined;
  } catch (error) {
    const { code, stderr = "" } = /** @type {{ code?: string, stderr?: string | Buffer }} */ (error);
    return code === "ENOENT" ? `there is no C compiler (${compiler})` : String(stderr).trim().split("\n")[0];
  }
}
