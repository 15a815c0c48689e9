/**
 * Finds a Redis-compatible server that is new enough. The scripts of the queue use `#!lua flags=…`, which came
 * with Redis 7.0; every Valkey has it.
 */
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "../command.mjs";

export const serverNames = ["redis-server", "valkey-server"];
export const oldestMajor = 7;

/**
 * @typedef {object} Server
 * @property {string} path Absolute path of the program.
 * @property {string} version Such as `7.0.15`.
 */

/**
 * Executables of this name on PATH, in PATH order.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[]>}
 */
export async function onPath(name, env) {
  const found = [];
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, name);
    if (await isExecutable(path)) found.push(path);
  }
  return found;
}

/** @param {string} path */
async function isExecutable(path) {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * The version a server program reports, or undefined when it does not run or says something else.
 * @param {string} path
 * @returns {Promise<string | undefined>}
 */
export async function versionOf(path) {
  const answer = await run(path, ["--version"]);
  return answer.code === 0 ? /(?:Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec(answer.stdout)?.[1] : undefined;
}

/** @param {string} version Such as `7.0.15`, or a Debian version such as `5:7.0.15-1~deb12u5`. */
export function isNewEnough(version) {
  return Number.parseInt(version.replace(/^\d+:/, ""), 10) >= oldestMajor;
}

/**
 * The first server on PATH that is new enough; servers that are too old are named in `tooOld`.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ server?: Server, tooOld: Server[] }>}
 */
export async function findOnPath(env) {
  const tooOld = [];
  for (const name of serverNames) {
    for (const path of await onPath(name, env)) {
      const version = await versionOf(path);
      if (version === undefined) continue;
      if (isNewEnough(version)) return { server: { path, version }, tooOld };
      tooOld.push({ path, version });
    }
  }
  return { tooOld };
}
