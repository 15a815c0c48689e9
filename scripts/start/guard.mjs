/**
 * A private folder and the processes that live in it. They are started in order and ended in reverse, by pid, and
 * the folder goes last. Should this program be killed outright, the watchdog beside it does the same.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const watchdogPath = fileURLToPath(new URL("watchdog.mjs", import.meta.url));
const linesKept = 40;
const lastWordsMs = 500;
/** A unix socket's path may have 103 characters on some systems; this leaves room for ours. */
const longestTemporaryFolder = 60;

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {number} pid
 * @property {Promise<string>} exited Settles with how it ended, such as `exit code 3`; never rejects.
 * @property {() => string} recent Its last lines of output.
 * @property {(show: (line: string) => void) => void} follow Every line from now on, unless it was launched as quiet.
 * @property {() => Promise<void>} end
 * @property {() => void} insist A second SIGTERM, which our programs take as "at once".
 */

/**
 * @typedef {object} Guard
 * @property {string} folder Mode 0700.
 * @property {(launch: Launch) => Promise<Service>} start
 * @property {() => Promise<void>} end Ends everything that was started, last first. May be called twice.
 * @property {() => void} insist Does not wait any longer for what is being ended at the moment.
 */

/**
 * @typedef {object} Launch
 * @property {string} name
 * @property {string} file
 * @property {readonly string[]} args
 * @property {NodeJS.ProcessEnv} env
 * @property {number} graceMs From SIGTERM to SIGKILL.
 * @property {boolean} [quiet] Its lines are of interest only when it fails.
 */

/** @returns {Promise<Guard>} */
export async function startGuard() {
  const temporary = tmpdir().length > longestTemporaryFolder ? "/tmp" : tmpdir();
  const folder = await mkdtemp(join(temporary, "herorunner-start-"));
  const watchdog = spawn(process.execPath, [watchdogPath, folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const watchdogGone = once(watchdog, "exit");
  watchdog.stdin.on("error", () => undefined);
  /** @type {Service[]} */
  const services = [];
  /** @type {Promise<void> | undefined} */
  let ending;
  /** @type {Service | undefined} */
  let leaving;
  const endAll = async () => {
    for (const service of services.toReversed()) {
      leaving = service;
      await service.end();
    }
    leaving = undefined;
    await rm(folder, { recursive: true, force: true });
    watchdog.stdin.end("done\n");
    await watchdogGone;
  };
  return {
    folder,
    start: async (launch) => {
      const service = await startService(launch);
      services.push(service);
      watchdog.stdin.write(`${service.pid} ${launch.graceMs}\n`);
      return service;
    },
    end: () => (ending ??= endAll()),
    insist: () => leaving?.insist(),
  };
}

/**
 * @param {Launch} launch
 * @returns {Promise<Service>}
 */
async function startService({ name, file, args, env, graceMs, quiet = false }) {
  // its own process group: Ctrl-C on the terminal reaches us, and we end the services in order
  const child = spawn(file, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  let lines = [];
  /** @type {((line: string) => void) | undefined} */
  let follower;
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, (line) => {
      lines = [...lines.slice(1 - linesKept), line];
      if (!quiet) follower?.(line);
    });
  }
  /** @type {Promise<string>} */
  const exited = new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      const how = signal ? `signal ${signal}` : `exit code ${code}`;
      // its last words may still be in the pipe, and a process it left behind may hold that open
      child.once("close", () => resolve(how));
      setTimeout(() => resolve(how), lastWordsMs).unref();
    });
  });
  await once(child, "spawn");
  return {
    name,
    pid: child.pid ?? 0,
    exited,
    recent: () => lines.join("\n"),
    follow: (show) => (follower = show),
    end: async () => {
      child.kill("SIGTERM");
      const hurry = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(hurry);
    },
    insist: () => void child.kill("SIGTERM"),
  };
}

/**
 * @param {import("node:stream").Readable} stream
 * @param {(line: string) => void} take
 */
function eachLine(stream, take) {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}
