import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { until } from "../../../test/support/until.ts";
import {
  type ControlHandlers,
  openConnection,
  parseRedisUrl,
  type RedisConnection,
  RedisPresence,
} from "../src/index.ts";

let server: RedisServer;
let redis: RedisConnection;

beforeAll(async () => {
  server = await startRedis();
  redis = openConnection({ target: parseRedisUrl(server.url), routeKey: "" });
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

const report = {
  ...{ owner: "me", host: "h", pid: 7, version: "1", isolation: "group", signatures: "off" },
  ...{ slots: 2, busy: 1, lastPollMs: undefined },
};

let runners = 0;

function setup(url = server.url) {
  const runner = `p${(runners += 1)}`;
  const presence = new RedisPresence({ target: parseRedisUrl(url), runner });
  const ending = new AbortController();
  onTestFinished(() => {
    ending.abort();
    presence.close();
  });
  const heard: string[] = [];
  const handlers: ControlHandlers = {
    owner: "me",
    onCancel: () => void heard.push("cancel"),
    onSettings: () => void heard.push("settings"),
  };
  const key = (name: string): string => `hero:{${runner}}:${name}`;
  const tell = async (message: string): Promise<number> =>
    Number(await redis.send(["PUBLISH", key("control"), message]));
  return { presence, ending, heard, handlers, key, tell };
}

test("a heartbeat writes what it is told, lasts 15 s, and answers whether the runner is paused", async () => {
  const { presence, key } = setup();
  expect(await presence.beat(report)).toEqual({ paused: false });
  await redis.send(["HSET", key("settings"), "paused", "1"]);
  const begunMs = performance.now();
  expect(await presence.beat({ ...report, lastPollMs: 12 })).toEqual({ paused: true });
  const flat = (await redis.send(["HGETALL", key("instance:me")])) as readonly Buffer[];
  const words = flat.map(String);
  expect(words).toContain("seen_at");
  for (const [name, value] of [
    ["pid", "7"],
    ["slots", "2"],
    ["busy", "1"],
    ["last_poll_ms", "12"],
  ]) {
    expect(words[words.indexOf(name!) + 1]).toBe(value);
  }
  const ttlMs = Number(await redis.send(["PTTL", key("instance:me")]));
  expect(ttlMs).toBeGreaterThan(14_950 - (performance.now() - begunMs));
  expect(ttlMs).toBeLessThanOrEqual(15_000);
});

test("the farewell leaves nothing", async () => {
  const { presence, key } = setup();
  await presence.beat(report);
  await presence.leave("me");
  expect(await redis.send(["EXISTS", key("instance:me"), key("instances")])).toBe(0);
});

test("processes that were silent for a minute leave the list with the next heartbeat of another one", async () => {
  const { presence, key } = setup();
  await redis.send(["ZADD", key("instances"), "1", "long-gone"]);
  await presence.beat(report);
  expect(
    ((await redis.send(["ZRANGE", key("instances"), "0", "-1"])) as readonly Buffer[]).map(String),
  ).toEqual(["me"]);
});

test("wake-ups are heard, a ping is answered with the owner, and anything else is passed over", async () => {
  const { presence, ending, heard, handlers, key, tell } = setup();
  const answers: string[] = [];
  const ear = openConnection({ target: parseRedisUrl(server.url), routeKey: "" });
  onTestFinished(() => ear.close());
  await ear.subscribe(
    key("control"),
    (message) => void answers.push(message),
    () => undefined,
  );
  const listening = presence.listen(handlers, ending.signal);
  await until(async () => (await tell("not JSON")) === 2, "it listens");
  for (const message of ["{}", "[]", "null", '{"op":7}', '{"op":"ping"}', '{"op":"ping","nonce":7}'])
    await tell(message);
  await tell(JSON.stringify({ op: "ping", nonce: "n".repeat(129) }));
  await tell("[".repeat(100_000));
  await tell('{"op":"cancel","id":"42"}');
  await tell('{"op":"pause"}');
  await tell('{"op":"resume"}');
  await tell('{"op":"ping","nonce":"n1"}');
  await until(() => answers.some((one) => one.includes("pong")), "the ping is answered");
  expect(heard).toEqual(["cancel", "settings", "settings"]);
  expect(answers.filter((one) => one.includes("pong"))).toEqual(['{"op":"pong","nonce":"n1","owner":"me"}']);
  ending.abort();
  await listening;
});

test("listening resolves when the connection is lost, so that the caller can begin again", async () => {
  const { presence, ending, handlers, tell } = setup();
  const listening = presence.listen(handlers, ending.signal);
  await until(async () => (await tell("x")) === 1, "it listens");
  await redis.send(["CLIENT", "KILL", "TYPE", "pubsub"]);
  await listening;
  const again = presence.listen(handlers, ending.signal);
  await until(async () => (await tell("x")) === 1, "it listens again");
  ending.abort();
  await again;
});

test("a stop does not wait for a subscription that Redis does not answer", async () => {
  const frozen = await startRedis();
  onTestFinished(() => frozen.stop());
  frozen.freeze();
  const { presence, ending, handlers } = setup(frozen.url);
  const listening = presence.listen(handlers, ending.signal);
  setImmediate(() => ending.abort());
  const begunMs = performance.now();
  await listening;
  expect(performance.now() - begunMs).toBeLessThan(1_500);
});

test("listening after the end resolves at once", async () => {
  const { presence, handlers } = setup();
  await presence.listen(handlers, AbortSignal.abort());
});
