/**
 * `node leftovers.mjs FOLDER [GRACE_MS]`: what a CI run left behind. Its processes are those that carry the run's folder in
 * their environment, arguments or working folder; its files are those of ours in FOLDER/tmp. A process that is
 * just ending gets a few seconds; what is still there then is named and ended, and the exit code is 1.
 */
import { existsSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 100;
const [folder = "", graceMs = "5000"] = process.argv.slice(2);
// Everybody carries nothing, and nearly everybody a slash.
if (!/^\/.*[^/]$/.test(folder) || !existsSync(join(folder, "tmp"))) {
  console.error(`${JSON.stringify(folder)} is not the folder of a run: an absolute path, with tmp in it`);
  process.exit(2);
}

const deadline = performance.now() + Number(graceMs);
while (processes().length > 0 && performance.now() < deadline) await sleep(pollMs);

const left = processes();
for (const { pid, command } of left) {
  console.log(`still running: ${pid} ${command}`);
  process.kill(pid, "SIGKILL");
}
const files = readdirSync(join(folder, "tmp")).filter((name) => name.startsWith("hero"));
for (const name of files) console.log(`not removed: ${name}`);
if (process.platform !== "linux") console.log("processes can be looked at on Linux only");
process.exitCode = left.length + files.length > 0 ? 1 : 0;

function processes() {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const marked = ["environ", "cmdline"].some((name) => read(`/proc/${pid}/${name}`).includes(folder));
    if (Number(pid) === process.pid || !(marked || target(`/proc/${pid}/cwd`).startsWith(folder))) return [];
    return [{ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }];
  });
}

/** Processes end while one looks, and some belong to others. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} path */
function target(path) {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
