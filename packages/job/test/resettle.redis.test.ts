/** Endings that the server forgot, and those it did not. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { type Claim, finished, openConnection, parseRedisUrl, RedisJobQueue } from "../src/index.ts";
import { Resettle } from "../src/resettle.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function setup() {
  const server = await startRedis();
  open.push(() => server.stop());
  const target = parseRedisUrl(server.url);
  const repaired: string[] = [];
  const onRepaired = (ids: readonly string[]): void => void repaired.push(...ids);
  const queue = new RedisJobQueue({ target, runner: "r", owner: "o", onRepaired });
  const admin = openConnection({ target, routeKey: "" });
  open.push(() => (queue.close(), admin.close()));
  const submit = async (id: string): Promise<void> => {
    await admin.send(["HSET", queue.keys.job(id), "payload", "x"]);
    await admin.send(["LPUSH", queue.keys.queue, id]);
  };
  const started = async (id: string): Promise<Claim> => {
    await submit(id);
    const [claim] = await queue.claim(new AbortController().signal);
    await queue.start(claim!);
    return claim!;
  };
  const status = async (id: string) => String(await admin.send(["HGET", queue.keys.job(id), "status"]));
  return { server, queue, admin, repaired, submit, started, status };
}

/** Crash and restart with the file that SAVE wrote earlier. */
async function crash(server: RedisServer, restore = true): Promise<void> {
  await server.kill();
  if (!restore) await copyFile("/dev/null", join(server.folder, "dump.rdb"));
  await server.start();
}

describe("a Redis that comes back with an older state", () => {
  it("is told the endings of the last minute again, once", async () => {
    const { server, queue, admin, repaired, started, status } = await setup();
    const [a, b] = [await started("a"), await started("b")];
    await admin.send(["SAVE"]);
    expect(await queue.settle(a, finished("A"))).toBe("settled");
    expect(await queue.settle(b, finished("B"))).toBe("settled");
    await crash(server);
    expect(await status("a")).toBe("started");
    expect((await queue.overdue()).leases).toEqual([]);
    expect(repaired).toEqual(["a", "b"]);
    expect([await status("a"), await status("b")]).toEqual(["finished", "finished"]);
    expect(String(await admin.send(["HGET", queue.keys.job("a"), "finals"]))).toBe("1");
    expect(await admin.send(["LLEN", queue.keys.active])).toBe(0);
    await crash(server);
    await queue.overdue();
    expect(repaired).toEqual(["a", "b", "a", "b"]); // the file is still the old one
  });

  it("keeps what it knows: a job that it saw end, and one that somebody else has by now", async () => {
    const { server, queue, admin, repaired, started, status } = await setup();
    const [known, moved] = [await started("known"), await started("moved")];
    await queue.settle(known, finished(""));
    await admin.send(["SAVE"]);
    await queue.settle(moved, finished("ours"));
    await server.kill();
    await server.start();
    await admin.send(["HSET", queue.keys.job("moved"), "token", "somebody-else"]);
    await queue.overdue();
    expect(repaired).toEqual([]);
    expect(await status("moved")).toBe("started");
  });

  it("or with nothing: nothing is written into it", async () => {
    const { server, queue, admin, repaired, started } = await setup();
    await queue.settle(await started("a"), finished(""));
    await crash(server);
    await queue.overdue();
    expect(repaired).toEqual([]);
    expect(await admin.send(["EXISTS", queue.keys.job("a")])).toBe(0);
  });

  it("is told nothing when only the connection broke", async () => {
    const { queue, admin, repaired, started } = await setup();
    const claim = await started("a");
    await queue.settle(claim, finished(""));
    // As if it had been lost, to see that nobody writes it again.
    await admin.send([
      "HSET",
      queue.keys.job("a"),
      "status",
      "started",
      "token",
      claim.token,
      "done_token",
      "",
    ]);
    await admin.send(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    await queue.overdue().catch(() => queue.overdue());
    expect(repaired).toEqual([]);
  });
});

describe("Resettle", () => {
  const call = (jobId: string, bytes = 10): readonly string[] => [jobId, "x".repeat(bytes)];
  const server = (runId: string, answered: string[]) => (command: readonly (string | Uint8Array)[]) => {
    if (command[0] === "INFO") return Promise.resolve(Buffer.from(`run_id:${runId}\r\nmaster_replid:r\r\n`));
    answered.push(String(command[3]));
    return Promise.resolve(Buffer.from("OK"));
  };

  it("keeps calls for a minute and within its bytes, newest last", async () => {
    let nowMs = 0;
    const repaired: string[][] = [];
    const resettle = new Resettle({
      keysOf: () => [],
      maxBytes: 190,
      monotonicMs: () => nowMs,
      onRepaired: (ids) => repaired.push([...ids]),
    });
    await resettle.opened(server("one", []));
    resettle.remember(call("old"));
    nowMs = 59_000;
    for (const id of ["a", "b", "c"]) resettle.remember(call(id, 30));
    await resettle.opened(server("two", []));
    nowMs = 61_000;
    resettle.remember(call("d", 30));
    await resettle.opened(server("three", []));
    resettle.remember(call("huge", 1_000));
    await resettle.opened(server("four", []));
    expect(repaired).toEqual([
      ["old", "a", "b", "c"],
      ["b", "c", "d"],
      ["b", "c", "d"],
    ]);
  });

  it("counts every connection as new where the server does not say who it is", async () => {
    const repaired: string[][] = [];
    const resettle = new Resettle({ keysOf: () => [], onRepaired: (ids) => repaired.push([...ids]) });
    const silent = (command: readonly (string | Uint8Array)[]) =>
      Promise.resolve(Buffer.from(command[0] === "INFO" ? "" : "OK"));
    await resettle.opened(silent);
    resettle.remember(call("a"));
    await resettle.opened(silent);
    expect(repaired).toEqual([["a"]]);
  });

  it("tries again with the next connection when this one breaks", async () => {
    const answered: string[] = [];
    const resettle = new Resettle({ keysOf: () => [] });
    await resettle.opened(server("one", answered));
    resettle.remember(call("a"));
    const breaks = (command: readonly (string | Uint8Array)[]) =>
      command[0] === "INFO" ? server("two", [])(command) : Promise.reject(new Error("socket closed"));
    await expect(resettle.opened(breaks)).rejects.toThrow("socket closed");
    await resettle.opened(server("two", answered));
    expect(answered).toHaveLength(1);
  });

  it("sends thousands of endings in few round trips: running jobs cannot be renewed meanwhile", async () => {
    const resettle = new Resettle({ keysOf: () => [] });
    await resettle.opened(server("one", []));
    for (let at = 0; at < 5_000; at += 1) resettle.remember(call(`j${at}`));
    const answered: string[] = [];
    let [roundTrips, waiting] = [0, [] as (() => void)[]];
    const far = (command: readonly (string | Uint8Array)[]) =>
      new Promise<Buffer>((resolve) => {
        waiting.push(() => void server("two", answered)(command).then(resolve));
        if (waiting.length > 1) return;
        setImmediate(() => {
          roundTrips += 1;
          for (const answer of waiting.splice(0)) answer();
        });
      });
    await resettle.opened(far);
    expect(answered).toHaveLength(5_000);
    expect(roundTrips).toBeLessThan(50);
  });
});
