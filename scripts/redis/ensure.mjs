/**
 * Brings up the program of a Redis-compatible server on this machine: `HERORUNNER_REDIS_SERVER` if set, else
 * redis-server or valkey-server on PATH, else what we unpacked earlier, else Debian's or Ubuntu's package. It
 * starts no server. Two calls at once, from two processes, do the work once.
 */
import { access, constants, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { advice } from "./advice.mjs";
import { programName, unpackPrivately } from "./apt-private.mjs";
import { installAsRoot } from "./apt-root.mjs";
import { findOnPath, isNewEnough, onPath, oldestMajor, versionOf } from "./find.mjs";
import { withLock } from "./lock.mjs";

/**
 * @typedef {object} Options
 * @property {NodeJS.ProcessEnv} [env] Where PATH, HOME and the variables above are read.
 * @property {(line: string) => void} [say] Told what is done and how long it took; silent when nothing had to be done.
 * @property {boolean} [asRoot] Whether the system may be changed. Default: whether we are root.
 * @property {AbortSignal | undefined} [signal] Ends a running installation.
 */

/**
 * @param {Options} [options]
 * @returns {Promise<import("./find.mjs").Server>} Rejects with one sentence that says what to do.
 */
export async function ensureRedisServer(options = {}) {
  const { env = process.env, say = () => undefined, asRoot = process.getuid?.() === 0, signal } = options;
  const named = env["HERORUNNER_REDIS_SERVER"];
  if (named) return checkNamed(named);
  const { server, tooOld } = await findOnPath(env);
  if (server) return server;
  if (!(await isDebian(env))) throw new Error(await advice(env, tooOld));

  const cache = await cacheFolder(env);
  const folder = join(cache, await systemName());
  const ready = await unpackedEarlier(folder);
  if (ready) return ready;
  return withLock(
    join(cache, "lock"),
    { waiting: () => say("waiting for another process that is installing Redis"), signal },
    async () => {
      // whoever held the lock before us may have done it
      const meanwhile = (await findOnPath(env)).server ?? (await unpackedEarlier(folder));
      if (meanwhile) return meanwhile;
      await removeAbandoned(cache);
      return install({ env, say, asRoot, signal, folder, tooOld });
    },
  );
}

/** @param {string} path */
async function checkNamed(path) {
  const version = await versionOf(path);
  if (version === undefined) {
    throw new Error(
      `HERORUNNER_REDIS_SERVER names ${path}, which is not a Redis or Valkey server that runs here.`,
    );
  }
  if (!isNewEnough(version)) {
    throw new Error(`HERORUNNER_REDIS_SERVER names version ${version}; ${oldestMajor}.0 or newer is needed.`);
  }
  return { path, version };
}

/**
 * @param {Required<Omit<Options, "signal">> & { signal: AbortSignal | undefined, folder: string, tooOld: import("./find.mjs").Server[] }} plan
 */
async function install({ env, say, asRoot, signal, folder, tooOld }) {
  const seconds = stopwatch();
  if (asRoot) {
    say("No Redis here: installing Debian's package with apt-get, without its service (10 to 60 s) …");
    try {
      await installAsRoot({ env, signal });
      const { server } = await findOnPath(env);
      if (server) {
        say(`Installed ${server.path}, version ${server.version}, in ${seconds()}.`);
        return server;
      }
    } catch (error) {
      signal?.throwIfAborted();
      say(`That did not work: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  say(`No Redis here: unpacking Debian's packages into ${folder}, which needs no root (5 to 60 s) …`);
  try {
    const server = await unpackPrivately({ folder, env, signal });
    say(`Unpacked version ${server.version} in ${seconds()}.`);
    return server;
  } catch (error) {
    signal?.throwIfAborted();
    say(`That did not work: ${error instanceof Error ? error.message : String(error)}`);
    throw new Error(await advice(env, tooOld), { cause: error });
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function isDebian(env) {
  for (const program of ["apt-get", "apt-cache", "dpkg-deb", "flock"]) {
    if ((await onPath(program, env)).length === 0) return false;
  }
  return true;
}

/** @param {string} folder */
async function unpackedEarlier(folder) {
  const path = join(folder, programName);
  const version = await versionOf(path);
  return version !== undefined && isNewEnough(version) ? { path, version } : undefined;
}

/**
 * A folder that belongs to this user: XDG's cache, or node_modules/.cache where a home is missing or read-only.
 * @param {NodeJS.ProcessEnv} env
 */
async function cacheFolder(env) {
  const base = env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache");
  const beside = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));
  const folder = join(base, "herorunner/redis");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
    return folder;
  } catch {
    const other = join(beside, "herorunner/redis");
    await mkdir(other, { recursive: true, mode: 0o700 });
    return other;
  }
}

/** Such as `debian-12-x64`: a home may be shared by machines of several kinds. */
async function systemName() {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  /** @param {string} name */
  const value = (name) => new RegExp(`^${name}="?([\\w.-]+)"?$`, "m").exec(release)?.[1] ?? "unknown";
  return `${value("ID")}-${value("VERSION_ID")}-${process.arch}`;
}

/**
 * Folders of installations that were killed. Only called with the lock held, so nobody is at work in them.
 * @param {string} cache
 */
async function removeAbandoned(cache) {
  for (const name of await readdir(cache)) {
    if (name.includes(".build-")) await rm(join(cache, name), { recursive: true, force: true });
  }
}

function stopwatch() {
  const start = performance.now();
  return () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
