/**
 * Debian and Ubuntu without root: apt downloads the same packages, with lists, cache and state in a private
 * folder, and dpkg-deb unpacks them there. A two-line program beside them sets the library path and becomes the
 * server. Signatures are checked by apt exactly as for root; nothing outside the folder is written.
 */
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastWords, run } from "../command.mjs";
import { aptEnvironment, aptGet, candidate, hasLists, systemLists } from "./apt.mjs";
import { versionOf } from "./find.mjs";

const dpkgStatus = "/var/lib/dpkg/status";

/**
 * @typedef {object} Unpacking
 * @property {string} folder Where the server is to live; replaced as a whole.
 * @property {NodeJS.ProcessEnv} env
 * @property {readonly string[]} [forget] Installed packages to fetch nevertheless, as if this machine did not have them.
 * @property {AbortSignal | undefined} [signal]
 */

/** Name of the program inside the folder; redis-cli lies beside it. */
export const programName = "redis-server";

/**
 * The caller holds the lock of the folder's parent.
 * @param {Unpacking} unpacking
 * @returns {Promise<{ path: string, version: string }>} Rejects with a sentence when the packages cannot be had.
 */
export async function unpackPrivately({ folder, env, forget = [], signal }) {
  const build = await mkdtemp(`${folder}.build-`);
  try {
    const chosen = await download(build, { env, forget, signal });
    const root = join(build, "root");
    for (const file of await readdir(join(build, "cache/archives"))) {
      // a second C library beside the system's loader could not run
      if (!file.endsWith(".deb") || file.startsWith("libc6_")) continue;
      const unpacked = await run("dpkg-deb", ["-x", join(build, "cache/archives", file), root], {
        env: aptEnvironment(env),
        signal,
      });
      if (unpacked.code !== 0) throw new Error(`could not unpack ${file}:\n${lastWords(unpacked)}`);
    }
    await writePrograms(build, chosen.name);
    for (const name of ["lists", "cache", "state", "status"]) {
      await rm(join(build, name), { recursive: true, force: true });
    }
    const version = await versionOf(join(build, programName));
    if (version === undefined) throw new Error(`the unpacked ${chosen.name} does not start on this machine`);
    await rm(folder, { recursive: true, force: true });
    await rename(build, folder);
    return { path: join(folder, programName), version };
  } finally {
    await rm(build, { recursive: true, force: true });
  }
}

/**
 * The system's own package lists are tried first, since they are often there; if they know no server or point to
 * files that are gone, private lists are fetched.
 * @param {string} build
 * @param {{ env: NodeJS.ProcessEnv, forget: readonly string[], signal: AbortSignal | undefined }} options
 */
async function download(build, { env, forget, signal }) {
  for (const part of ["lists/partial", "cache/archives/partial", "state"]) {
    await mkdir(join(build, part), { recursive: true });
  }
  await writeFile(join(build, "status"), await statusWithout(forget));
  let problem = "the package lists know no Redis or Valkey that is new enough";
  for (const lists of [systemLists, join(build, "lists")]) {
    const apt = { env: aptEnvironment(env), options: privateOptions(build, lists), signal };
    // update may complain about a source we do not need, so the judge is what can be had afterwards
    const update = lists === systemLists ? undefined : await aptGet(apt, ["update"]);
    if (!(await hasLists(lists))) {
      if (update) problem = `apt-get update brought no package lists:\n${lastWords(update)}`;
      continue;
    }
    const chosen = await candidate(apt);
    if (chosen === undefined) continue;
    const got = await aptGet(apt, ["--no-install-recommends", "--download-only", "install", chosen.name]);
    if (got.code === 0) return chosen;
    problem = `apt-get could not download ${chosen.name}:\n${lastWords(got)}`;
  }
  throw new Error(problem);
}

/**
 * @param {string} build
 * @param {string} lists
 */
function privateOptions(build, lists) {
  const options = {
    "Dir::State": join(build, "state"),
    "Dir::State::lists": lists,
    "Dir::State::status": join(build, "status"),
    "Dir::Cache": join(build, "cache"),
    "Dir::Cache::archives": join(build, "cache/archives"),
    "Dir::Log": build,
    // the folder is ours alone, and the system's locks are root's
    "Debug::NoLocking": "1",
    // with this unset, a root caller would have apt download as a user who cannot enter the folder
    "APT::Sandbox::User": "root",
    "APT::Keep-Downloaded-Packages": "1",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** All that apt needs to know of an installed package. Dependencies are left out: a machine where some are broken will do. */
const kept = /^(?:Package|Status|Version|Architecture|Multi-Arch|Provides):/;

/**
 * What is installed here, so that apt fetches only what is missing; without any Redis or Valkey, so that those
 * are fetched in any case.
 * @param {readonly string[]} forget
 */
async function statusWithout(forget) {
  const status = await readFile(dpkgStatus, "utf8");
  const installed = status.split(/\n\n+/).filter((paragraph) => {
    const name = /^Package: (\S+)$/m.exec(paragraph)?.[1] ?? "";
    return / installed$/m.test(paragraph) && !/^(?:redis|valkey)-/.test(name) && !forget.includes(name);
  });
  return installed
    .map((paragraph) => [...paragraph.split("\n").filter((line) => kept.test(line)), "", ""].join("\n"))
    .join("");
}

/**
 * @param {string} build
 * @param {string} server Name of the program the package brings.
 */
async function writePrograms(build, server) {
  const folders = await libraryFolders(join(build, "root"));
  const libraryPath = folders.map((folder) => `$here/root/${folder}`).join(":");
  const programs = { [programName]: server, "redis-cli": server.replace("-server", "-cli") };
  for (const [name, program] of Object.entries(programs)) {
    const lines = [
      "#!/bin/sh",
      `here="\${0%/*}"`,
      // an empty entry in the path would mean the current folder
      ...(libraryPath
        ? [`export LD_LIBRARY_PATH="${libraryPath}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`]
        : []),
      `exec "$here/root/usr/bin/${program}" "$@"`,
      "",
    ];
    await writeFile(join(build, name), lines.join("\n"));
    await chmod(join(build, name), 0o755);
  }
}

/**
 * Folders below the root that hold shared libraries, as Debian lays them out: lib, usr/lib and one level below.
 * Links are not followed, since a package's links may point into the system.
 * @param {string} root
 */
async function libraryFolders(root) {
  const found = [];
  for (const base of ["lib", "usr/lib"]) {
    const entries = await readdir(join(root, base), { withFileTypes: true }).catch(() => []);
    const below = entries.filter((entry) => entry.isDirectory()).map((entry) => join(base, entry.name));
    for (const folder of [base, ...below]) {
      const names = await readdir(join(root, folder)).catch(() => []);
      if (names.some((name) => /^lib.*\.so[.\d]*$/.test(name))) found.push(folder);
    }
  }
  return found;
}
