/** The one sentence for a machine on which we cannot bring up Redis ourselves: what is missing, what to type. */
import { onPath, oldestMajor } from "./find.mjs";

/** Package manager, the command to type, and whether it needs root. */
const installers = /** @type {const} */ ([
  ["brew", "brew install redis", false],
  ["apt-get", "apt-get install redis-server", true],
  ["dnf", "dnf install valkey", true],
  ["zypper", "zypper install valkey", true],
  ["pacman", "pacman -S valkey", true],
  ["apk", "apk add valkey", true],
  ["pkg", "pkg install redis", true],
]);

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly { path: string, version: string }[]} [tooOld] Servers that were found and cannot be used.
 * @returns {Promise<string>}
 */
export async function advice(env, tooOld = []) {
  const old = tooOld[0];
  const problem = old
    ? `${old.path} is version ${old.version}, and ${oldestMajor}.0 or newer is needed`
    : `No redis-server or valkey-server was found on this machine`;
  const remedy = await installCommand(env);
  const typed = remedy
    ? `type "${remedy}"`
    : `install Redis ${oldestMajor} or newer, or Valkey, from your system's packages`;
  return `${problem}: ${typed}, or set HERORUNNER_REDIS_SERVER to the path of one.`;
}

/** @param {NodeJS.ProcessEnv} env */
async function installCommand(env) {
  for (const [program, command, needsRoot] of installers) {
    if ((await onPath(program, env)).length === 0) continue;
    return needsRoot && process.getuid?.() !== 0 ? `sudo ${command}` : command;
  }
  return undefined;
}
