/** What is found out about a Redis at start. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type RedisServerOptions, startRedis } from "../../../test/support/redis-server.ts";
import { checkServer, keysOf, openConnection, parseRedisUrl, type ServerFinding } from "../src/index.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function setup(options?: RedisServerOptions) {
  const server = await startRedis(options);
  open.push(() => server.stop());
  const connect = (url: string) => {
    const redis = openConnection({ target: parseRedisUrl(url), routeKey: "" });
    open.push(() => redis.close());
    return redis;
  };
  const check = (login = "", nowMs?: () => number) =>
    checkServer(connect(`unix://${login}${server.socketPath}`), keysOf("r"), nowMs);
  return { server, admin: connect(server.url), check };
}

const byName = (findings: readonly ServerFinding[], name: ServerFinding["name"]) =>
  findings.find((one) => one.name === name);

describe("checkServer", () => {
  it("is content with a Redis that is set up as the manual says, and leaves nothing behind", async () => {
    const { admin, check } = await setup({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    const findings = await check();
    // On a busy machine an answer may take longer than is well; that it says so is no fault of what was set up.
    const trip = byName(findings, "round trip");
    expect(trip?.ok).toBe(Number.parseFloat(trip?.sentence ?? "") < 50);
    expect(findings.map(({ name, ok }) => [name, name === "round trip" || ok])).toEqual(
      [
        "reachable",
        "version",
        "eviction",
        "persistence",
        "memory",
        "role",
        "access",
        "clock",
        "round trip",
      ].map((name) => [name, true]),
    );
    expect(await admin.send(["DBSIZE"])).toBe(0);
  });

  it("says of a far Redis what a job waits for there", async () => {
    const { admin } = await setup();
    const far: typeof admin = Object.create(admin, {
      send: { value: async (command: readonly string[]) => sleep(60).then(() => admin.send(command)) },
    });
    expect(byName(await checkServer(far, keysOf("r")), "round trip")).toMatchObject({
      ...{ ok: false, severity: "warn" },
      fix: "place Redis nearer to the runner: every job costs two or three round trips",
    });
  });

  it("gives every finding that is not fine a fix", async () => {
    const { check } = await setup({ args: ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "1mb"] });
    for (const { ok, fix, sentence } of await check("", () => 0)) {
      expect(sentence).not.toBe("");
      if (ok !== true) expect(fix).toMatch(/\w{3}/);
    }
  });

  it.each(["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])(
    "refuses maxmemory-policy %s",
    async (policy) => {
      const { admin, check } = await setup();
      await admin.send(["CONFIG", "SET", "maxmemory-policy", policy]);
      expect(byName(await check(), "eviction")).toMatchObject({
        ok: false,
        severity: "refuse",
        fix: expect.stringMatching(/noeviction/),
      });
    },
  );

  it("warns without an append-only file, on a replica, when memory is short and when clocks differ", async () => {
    const { admin, check } = await setup();
    await admin.send(["REPLICAOF", "127.0.0.1", "1"]);
    await admin.send(["CONFIG", "SET", "maxmemory", "1000000"]);
    const findings = await check("", () => Date.now() + 60_000);
    for (const name of ["persistence", "role", "memory", "clock"] as const) {
      expect(byName(findings, name)).toMatchObject({ ok: false, severity: "warn" });
    }
    expect(byName(findings, "clock")?.sentence).toMatch(/(59|60)\d{3} ms behind/);
  });

  it.each([
    ["everysec", false, "note", "two seconds"],
    ["no", false, "warn", "power cut"],
    ["always", true, "warn", "appendfsync is always"],
  ] as const)("tells what appendfsync %s can lose", async (policy, ok, severity, words) => {
    const { check } = await setup({ args: ["--appendonly", "yes", "--appendfsync", policy] });
    const found = byName(await check(), "persistence");
    expect(found).toMatchObject({ ok, severity });
    expect(found?.sentence).toContain(words);
    expect(found?.fix?.includes("appendfsync always")).toBe(ok ? undefined : true);
  });

  it("says unknown where INFO and CONFIG are not allowed, and goes on", async () => {
    const { admin, check } = await setup();
    await admin.send(["ACL", "SETUSER", "ann", "on", ">p", "~hero:*", "+@all", "-info", "-config", "-time"]);
    const findings = await check("ann:p@");
    for (const name of ["version", "eviction", "persistence", "role", "clock"] as const) {
      expect(byName(findings, name)?.ok).toBe("unknown");
    }
    expect(byName(findings, "eviction")).toMatchObject({
      severity: "refuse",
      sentence: expect.stringMatching(/does not allow/),
    });
  });

  it("reads the eviction policy from CONFIG where INFO is not allowed", async () => {
    const { admin, check } = await setup();
    await admin.send(["ACL", "SETUSER", "ann", "on", ">p", "~hero:*", "+@all", "-info"]);
    expect(byName(await check("ann:p@"), "eviction")?.ok).toBe(true);
  });

  it("names the command that the user's rights lack", async () => {
    const { admin, check } = await setup();
    await admin.send(["ACL", "SETUSER", "ann", "on", ">p", "~hero:*", "+@all", "-zadd"]);
    expect(byName(await check("ann:p@"), "access")).toMatchObject({
      ok: false,
      severity: "refuse",
      sentence: expect.stringMatching(/ZADD/),
    });
    await admin.send(["ACL", "SETUSER", "bob", "on", ">p", "~other:*", "+@all"]);
    expect(byName(await check("bob:p@"), "access")).toMatchObject({ ok: false, severity: "refuse" });
  });

  it("does not send to the rules of the user where something else keeps scripts from being tried", async () => {
    const { admin, check } = await setup();
    await admin.send(["CONFIG", "SET", "min-replicas-to-write", "1"]);
    expect(byName(await check(), "access")).toMatchObject({
      ok: "unknown",
      sentence: expect.stringMatching(/bring its replicas back/),
      fix: expect.not.stringMatching(/rules/),
    });
  });

  it("of a Redis that is away or refuses us is one finding", async () => {
    const { server, check } = await setup({ args: ["--requirepass", "right"] });
    expect(await check(":wrong@")).toMatchObject([
      { name: "reachable", ok: false, severity: "refuse", fix: expect.stringMatching(/ACL/) },
    ]);
    await server.kill();
    expect(await check(":right@")).toMatchObject([
      { name: "reachable", ok: false, severity: "warn", fix: expect.stringMatching(/PING/) },
    ]);
  });
});
