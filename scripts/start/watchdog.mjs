/**
 * The guard's second half, a process of its own: reads pids from standard input, one a line. If its input ends
 * without the word `done`, whoever started it was killed: it then ends those processes, last first, and removes
 * the folder named as its argument.
 */
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const graceMs = 10_000;
const pollMs = 50;
const [folder = ""] = process.argv.slice(2);

/** @type {{ pid: number, born: string | undefined }[]} */
const services = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "done") process.exit(0);
  services.push({ pid: Number(line), born: birth(Number(line)) });
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

/** @param {{ pid: number, born: string | undefined }} service */
async function end({ pid, born }) {
  const lives = () => born !== undefined && birth(pid) === born;
  if (lives()) process.kill(pid, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (lives() && performance.now() < deadline) await sleep(pollMs);
  if (lives()) process.kill(pid, "SIGKILL");
}
