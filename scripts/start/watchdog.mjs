/**
 * The guard's second half, a process of its own: reads lines of a pid and its grace in milliseconds from standard
 * input. If its input ends without the word `done`, whoever started it was killed: it then ends those processes,
 * last first, and removes the folder named as its argument.
 */
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 50;
const [folder = ""] = process.argv.slice(2);

/** @typedef {{ pid: number, born: string | undefined, graceMs: number }} Service */

/** @type {Service[]} */
const services = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "done") process.exit(0);
  const [pid = 0, graceMs = 0] = line.split(" ").map(Number);
  services.push({ pid, born: birth(pid), graceMs });
}
for (const service of services.toReversed()) {
  await end(service);
}
await rm(folder, { recursive: true, force: true });

/**
 * When the process was started, so that another one with the same pid is left alone. Undefined when it is gone or
 * dead; always the same on systems without /proc.
 * @param {number} pid
 * @returns {string | undefined}
 */
function birth(pid) {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return "unknown";
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** @param {Service} service */
async function end({ pid, born, graceMs }) {
  const lives = () => born !== undefined && birth(pid) === born;
  if (lives()) process.kill(pid, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (lives() && performance.now() < deadline) await sleep(pollMs);
  if (lives()) process.kill(pid, "SIGKILL");
}
