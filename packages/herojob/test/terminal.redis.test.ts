/** What a person at a terminal sees and can do: a real pseudo-terminal, real keys. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedis } from "../../../test/support/redis-client.ts";
import { until } from "../../../test/support/until.ts";
import { type Bench, openBench } from "./support/bench.ts";
import { startOnTerminal } from "./support/herojob.ts";

const ctrlC = "\u0003";
const nasty = "\u001b]0;title\u0007\u001b[2Jred\u202e\u0085\u007f\tend";

let bench: Bench;
beforeAll(async () => void (bench = await openBench()));
afterAll(() => bench.close());

function onTerminal(...args: string[]): ReturnType<typeof startOnTerminal> {
  return startOnTerminal(args, { env: bench.env, cwd: bench.folder });
}

test("output of a job cannot act on the terminal: what does not print is written out", async () => {
  const { code, stdout } = await onTerminal("submit", "--follow", "-e", `print ${nasty}`).ended;
  expect(code).toBe(0);
  expect(stdout).toContain("^[]0;title^G^[[2Jred\\u202e\\u0085^?\tend\r\n");
  expect(stdout).not.toContain("\u001b]0;");
});

test.each([["result"], ["status", "--json"], ["explain"], ["wait"]])(
  "the same holds for %s %s",
  async (...args) => {
    await bench.api.submit({ runner: "web-1", id: "nasty", payload: `quiet ${nasty}\n${nasty}` });
    await bench.api.wait("nasty");
    const { stdout } = await onTerminal(...args, "nasty").ended;
    expect(stdout).toMatch(/red(\\u202e|u202e)/);
    expect(stdout.replaceAll("\r\u001b[K", "")).not.toMatch(/[\u001b\u0007\u202e\u0085\u007f]/);
  },
);

test("nor can a record that somebody has written: list and receipt", async () => {
  const redis = connectRedis(bench.redis.url);
  const at = (name: string): string => `hero:{foreign}:${name}`;
  await redis.call("HSET", at("job:a"), "payload", "x", "caller_id", `${nasty}\nb`, "receipt", nasty);
  await redis.call("HSET", at("job:a"), "status", "finished");
  await redis.call("ZADD", at("recent"), "1", "a");
  redis.close();
  for (const words of [
    ["list", "--runner", "foreign"],
    ["receipt", "get", "a", "--runner", "foreign"],
  ]) {
    const { code, stdout } = await onTerminal(...words).ended;
    expect([code, stdout.trim().split("\n").length]).toEqual([0, words[0] === "list" ? 2 : 1]);
    expect(stdout).toContain("red\\u202e");
    expect(stdout).not.toMatch(/[\u001b\u0007\u202e\u0085\u007f]/);
  }
});

test("--raw writes it as it is", async () => {
  await bench.api.submit({ runner: "web-1", id: "raw", payload: `quiet ${nasty}` });
  await bench.api.wait("raw");
  expect((await onTerminal("result", "--raw", "raw").ended).stdout).toContain(nasty);
});

test("submitting tells the id and how to see the end", async () => {
  const { stdout } = await onTerminal("submit", "--id", "told", "-e", "print x", "-r", bench.redis.url).ended;
  expect(stdout).toContain("told\r\n");
  expect(stdout).toContain(
    `queued for web-1; see it end with: herojob wait told --runner web-1 -r ${bench.redis.url}`,
  );
});

test("waiting shows where the job stands on one line that is gone at the end", async () => {
  const running = onTerminal("submit", "--wait", "--id", "watched", "-e", "wait\nprint done");
  await running.shows("job watched runs …");
  bench.runner.release("watched");
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/\r\u001b\[Kdone\r\njob watched finished in 12 ms\r\n$/);
});

test("what is said meanwhile stands on a line of its own", async () => {
  const running = onTerminal("submit", "--wait", "--runner", "nobody", "--id", "alone", "-e", "print x");
  await running.shows("the job waits for one");
  running.type(ctrlC);
  await running.shows("Cancel job alone too?");
  running.type("y\n");
  const { stdout } = await running.ended;
  expect(stdout).toContain("\r\u001b[Kherojob: no process serves runner nobody");
});

test("Ctrl-C asks; yes cancels the job, waits for its end, and exits with 130", async () => {
  const running = onTerminal("submit", "--wait", "--id", "stop-me", "-e", "print part\nwait");
  await running.shows("job stop-me runs");
  running.type(ctrlC);
  await running.shows("Cancel job stop-me too?");
  running.type("y\n");
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  expect(stdout).toContain("asked the runner to end job stop-me");
  expect(stdout).toContain("herojob: job stop-me ended as error (cancelled)");
  expect(await bench.api.status("stop-me")).toMatchObject({ reason: "cancelled" });
});

test.each([
  ["no", "n\n"],
  ["Enter", "\n"],
  ["a second Ctrl-C", ctrlC],
])("Ctrl-C asks; %s leaves the job alone and says how to come back", async (name, keys) => {
  const id = `leave-${name.replaceAll(/\W/g, "-")}`;
  const running = onTerminal("submit", "--follow", "--id", id, "-e", "print part\nwait");
  await running.shows("part");
  running.type(ctrlC);
  await running.shows(`Cancel job ${id} too?`);
  running.type(keys);
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  expect(stdout).toContain(
    `stopped waiting, job ${id} goes on; wait for it again with: herojob wait ${id} --runner web-1`,
  );
  expect(await bench.api.status(id)).toMatchObject({ status: "started" });
  bench.runner.release(id);
  await bench.api.wait(id);
});

test("a job that ends while the question is open ends the wait with its own exit code", async () => {
  await bench.api.submit({ runner: "web-1", id: "ends-first", payload: "wait\nfail 7" });
  const asked = onTerminal("wait", "ends-first");
  await asked.shows("job ends-first runs");
  asked.type(ctrlC);
  await asked.shows("Cancel job ends-first too?");
  bench.runner.release("ends-first");
  const { code, stdout } = await asked.ended;
  expect(code).toBe(1);
  expect(stdout).toContain("ended as error (exit_status)");
});

test("logs -f goes on until the end, and Ctrl-C just leaves", async () => {
  await bench.api.submit({ runner: "web-1", id: "tail", payload: "print first\nwait\nprint last" });
  const leaving = onTerminal("logs", "-f", "tail");
  await leaving.shows("first");
  leaving.type(ctrlC);
  expect(await leaving.ended).toMatchObject({ code: 130 });
  const staying = onTerminal("logs", "-f", "tail");
  await staying.shows("first");
  bench.runner.release("tail");
  const { code, stdout } = await staying.ended;
  expect([code, stdout]).toEqual([0, "first\r\nlast\r\n"]);
  await until(async () => (await bench.api.status("tail")).status === "finished", "the job ends");
});
