/** A pool on a real cluster: every key at its node, few connections, and slots that move. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConnectionPool, JobClient, parseRedisUrl } from "../src/index.ts";
import { keySlot } from "../src/redis/slot.ts";
import { type RedisCluster, startCluster } from "../../../test/support/redis-cluster.ts";

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startCluster({ password: "p" });
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function connections(): Promise<number> {
  const lists = await Promise.all(cluster.nodes.map(({ admin }) => admin.send(["CLIENT", "LIST"])));
  return lists.join("").trim().split("\n").length;
}

describe("a pool on a cluster", () => {
  it("computes the slot of a key as Redis does", async () => {
    const keys = [
      "",
      "a",
      "hero:{r}:queue",
      "{}x",
      "{a}{b}",
      "x{",
      "x{}y{z}",
      "}{",
      "{{a}}",
      "h\u00e9ro",
      "a".repeat(300),
    ];
    for (const key of keys) expect([key, keySlot(key)]).toEqual([key, await cluster.slotOf(key)]);
  });

  it("reaches a thousand keys over one connection a node and one for the map", async () => {
    const before = await connections();
    const pool = new ConnectionPool({ target: parseRedisUrl(cluster.url) });
    const keys = Array.from({ length: 1000 }, (_, n) => `pool:${n}`);
    await Promise.all(keys.map((key) => pool.at(key).send(["SET", key, key])));
    const read = await Promise.all(keys.map((key) => pool.at(key).send(["GET", key])));
    expect(read.map(String)).toEqual(keys);
    expect((await connections()) - before).toBeLessThanOrEqual(4);
    pool.close();
    await expect(pool.at("x").send(["PING"])).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("follows a slot that moves, without the caller noticing", async () => {
    const pool = new ConnectionPool({ target: parseRedisUrl(cluster.url) });
    await pool.at("moves").send(["SET", "moves", "here"]);
    await cluster.moveSlot("moves");
    expect(String(await pool.at("moves").send(["GET", "moves"]))).toBe("here");
    pool.close();
  });

  it("keeps the connections of a client few, however many jobs it submits", async () => {
    const before = await connections();
    const client = await JobClient.connect(cluster.url);
    for (let n = 0; n < 50; n += 1) await client.submit({ runner: `r${n % 5}`, id: `j${n}`, payload: "x" });
    expect(await client.get("j7")).toMatchObject({ runner: "r2", status: "queued" });
    expect((await connections()) - before).toBeLessThanOrEqual(4);
    client.close();
  });
});
