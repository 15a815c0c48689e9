/**
 * `npm run upgrade:baseline [-- COMMIT]`: records a build as the other side of test/upgrade. Builds a commit (default HEAD)
 * in a folder of its own and packs our JavaScript of it, and nothing else, as the one file in test/upgrade/baseline. The same
 * commit gives the same bytes.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { linkModules } from "./upgrade/link-modules.mjs";

const repository = fileURLToPath(new URL("../", import.meta.url));
const baselines = join(repository, "test/upgrade/baseline");
const [reference = "HEAD"] = process.argv.slice(2);
const steady = ["--sort=name", "--mtime=2000-01-01 00:00Z", "--owner=0", "--group=0", "--numeric-owner"];

const folder = mkdtempSync(join(tmpdir(), "herorunner-baseline-"));
try {
  const [source, packed] = [join(folder, "source"), join(folder, "packed")];
  const commit = run(["git", "rev-parse", "--short=7", `${reference}^{commit}`], repository).trim();
  console.log(`building ${commit}`);
  checkOut(commit, source);
  const { version, workspaces } = manifestOf(source);
  run([process.execPath, "node_modules/typescript/bin/tsc", "-b", ...workspaces], source);
  for (const workspace of workspaces) pack(join(source, workspace), join(packed, basename(workspace)));
  const archive = join(folder, `herorunner-${version}-${commit}`);
  run(["tar", ...steady, "-cf", archive, "."], packed);
  run(["gzip", "-9", "--no-name", "--suffix=.tgz", archive], folder);
  rmSync(baselines, { recursive: true, force: true });
  mkdirSync(baselines, { recursive: true });
  const name = `${basename(archive)}.tgz`;
  cpSync(`${archive}.tgz`, join(baselines, name));
  const kib = Math.round(statSync(join(baselines, name)).size / 1024);
  console.log(`test/upgrade/baseline/${name}, ${kib} KiB; commit it`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * The tree of a commit, with the modules it is built with.
 * @param {string} commit
 * @param {string} source
 */
function checkOut(commit, source) {
  mkdirSync(source);
  const archive = join(folder, "source.tar");
  run(["git", "archive", "-o", archive, commit], repository);
  run(["tar", "-xf", archive], source);
  linkModules(source);
  const ours = join(source, "node_modules/@herorunner");
  mkdirSync(ours);
  for (const workspace of manifestOf(source).workspaces) {
    symlinkSync(join(source, workspace), join(ours, basename(workspace)));
  }
}

/**
 * What a package runs from. The page of the supervisor is not code that speaks to other builds: its folder stays empty.
 * @param {string} from
 * @param {string} to
 */
function pack(from, to) {
  for (const part of ["dist", "bin"]) {
    for (const name of filesBelow(join(from, part)).filter((one) => one.endsWith(".js"))) {
      const target = join(to, part, name);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(from, part, name), target);
    }
  }
  if (readdirSync(from).includes("public")) mkdirSync(join(to, "public"));
  const manifest = readFileSync(join(from, "package.json"), "utf8");
  /** @type {(name: string, value: unknown) => unknown} The sources are not packed. */
  const withoutSources = (name, value) =>
    name === "@herorunner/source" || name === "types" ? undefined : value;
  writeFileSync(join(to, "package.json"), JSON.stringify(JSON.parse(manifest, withoutSources), null, 2));
}

/** @param {string} top @returns {string[]} Relative paths. */
function filesBelow(top) {
  if (statSync(top, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(top, { recursive: true, encoding: "utf8" });
}

/** @param {string} at @returns {{ version: string, workspaces: string[] }} */
function manifestOf(at) {
  return JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
}

/** @param {string[]} command @param {string} cwd */
function run([program = "", ...args], cwd) {
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}
