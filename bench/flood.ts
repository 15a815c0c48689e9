/**
 * Eight jobs that write 500 MB each at once: how long it takes, how far the runner's memory grows and how long its
 * event loop is kept from other duties (leases are renewed every 1.5 s). `tsx bench/flood.ts [JOBS] [MEGABYTES]`
 */
import { createChildExecutor } from "@herorunner/runner";

const [jobs = 8, megabytes = 500] = process.argv.slice(2).map(Number);

async function flood(secrets: readonly string[]): Promise<string> {
  const executor = createChildExecutor();
  const command = {
    ...{ file: "/bin/sh", stdin: "", cwd: "/", timeoutMs: 600_000, killGraceMs: 1000, secrets },
    env: new Map([["PATH", process.env["PATH"] ?? ""]]),
    maxOutputBytes: 2 * 1024 ** 4,
  };
  const run = (script: string) =>
    executor.run({ ...command, args: ["-c", script] }, new AbortController().signal);
  await Promise.all(Array.from({ length: jobs }, () => run("echo warm")));
  const startRss = process.memoryUsage.rss();
  const startMs = performance.now();
  const seen = { rss: startRss, pauseMs: 0, lastMs: startMs };
  const watch = setInterval(() => {
    const nowMs = performance.now();
    seen.rss = Math.max(seen.rss, process.memoryUsage.rss());
    seen.pauseMs = Math.max(seen.pauseMs, nowMs - seen.lastMs);
    seen.lastMs = nowMs;
  }, 10);
  const script = `yes 'one line of a flood' | head -c ${megabytes}000000`;
  const executions = await Promise.all(Array.from({ length: jobs }, () => run(script)));
  clearInterval(watch);
  const seconds = (performance.now() - startMs) / 1000;
  const bytes = executions.reduce((sum, { output }) => sum + output.stdoutBytes, 0);
  await executor.close();
  const growth = (seen.rss - startRss) / 1024 ** 2;
  return [
    `${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s`,
    `memory +${growth.toFixed(0)} MB`,
    `longest pause of the event loop ${seen.pauseMs.toFixed(0)} ms`,
  ].join(", ");
}

console.log(`${jobs} jobs of ${megabytes} MB without secrets: ${await flood([])}`);
console.log(
  `${jobs} jobs of ${megabytes} MB with two secrets: ${await flood(["flood-secret-1", "one line of another"])}`,
);
