/** A connection to a Redis in trouble: every command ends in time, with the code that tells a caller what to do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type RedisServer, type RedisServerOptions, startRedis } from "../../../test/support/redis-server.ts";
import { startTcpProxy } from "../../../test/support/tcp-proxy.ts";
import { until } from "../../../test/support/until.ts";
import { openConnection, parseRedisUrl, type RedisConnection, RedisJobQueue } from "../src/index.ts";
import { renew } from "../src/lua/renew.ts";
import { submit } from "../src/lua/submit.ts";
import { locate } from "../src/redis/locate.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function makeRedis(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  open.push(() => server.stop());
  return server;
}

async function makeProxy(server: RedisServer) {
  const proxy = await startTcpProxy(server.socketPath);
  open.push(() => proxy.stop());
  return proxy;
}

function connectTo(
  url: string,
  options: { deadlineMs?: number; interruptible?: boolean } = {},
): RedisConnection {
  const connection = openConnection({
    target: parseRedisUrl(url),
    routeKey: "k",
    deadlineMs: 300,
    ...options,
  });
  open.push(() => connection.close());
  return connection;
}

function makeQueue(url: string, blockSeconds = 30): RedisJobQueue {
  const queue = new RedisJobQueue({ target: parseRedisUrl(url), runner: "r", owner: "o", blockSeconds });
  open.push(() => queue.close());
  return queue;
}

/** The code that a call rejects with, and how long that took. */
async function refusal(call: Promise<unknown>): Promise<{ code: string; message: string; ms: number }> {
  const before = performance.now();
  const error: unknown = await call.then(
    () => new Error("it was answered"),
    (error: unknown) => error,
  );
  const { code, message } = error as { code: string; message: string };
  return { code, message, ms: performance.now() - before };
}

const blocked = (connection: RedisConnection) => async (): Promise<boolean> =>
  String(await connection.send(["CLIENT", "LIST"])).includes("cmd=blmove");

describe("a Redis that is not there", () => {
  it("is UNAVAILABLE at once, and the message names the place", async () => {
    const { code, message, ms } = await refusal(connectTo("unix:///nowhere/redis.sock").send(["PING"]));
    expect(code).toBe("UNAVAILABLE");
    expect(message).toContain("unix:///nowhere/redis.sock");
    expect(ms).toBeLessThan(1_000);
  });

  it("is used again by the next command once it is back", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["PING"]);
    await server.kill();
    expect((await refusal(redis.send(["PING"]))).code).toBe("UNAVAILABLE");
    await server.start();
    expect(String(await redis.send(["PING"]))).toBe("PONG");
  });

  it("costs no failed command when it came back between two of them", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["PING"]);
    await server.kill();
    await server.start();
    expect(String(await redis.send(["PING"]))).toBe("PONG");
  });

  it("rejects what is in flight when it is killed", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url, { deadlineMs: 60_000 });
    await redis.send(["PING"]);
    const waiting = refusal(redis.send(["BLPOP", "nothing", "0"]));
    const other = connectTo(server.url);
    await until(async () => String(await other.send(["CLIENT", "LIST"])).includes("cmd=blpop"), "it waits");
    await server.kill();
    expect((await waiting).code).toBe("UNAVAILABLE");
  });
});

/** Nothing of this process runs meanwhile, as on a machine that has no time for it. */
function holdLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("a program that gets no processor time", () => {
  it("connects all the same, though it looks later than a connection may take", async () => {
    const server = await makeRedis({ args: ["--requirepass", "p"] });
    const proxy = await makeProxy(server);
    const redis = connectTo(`redis://:p@127.0.0.1:${proxy.port}`, { deadlineMs: 5_000 });
    const answer = redis.send(["PING"]);
    await nextTurn();
    holdLoop(5_300); // longer than locating, connecting and logging in may take together
    expect(String(await answer)).toBe("PONG");
  });

  it("hears the answer that came while it could not listen", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["PING"]);
    const answer = redis.send(["PING"]);
    await nextTurn();
    holdLoop(600);
    expect(String(await answer)).toBe("PONG");
  });
});

/** A port whose connections are never made: the packets that ask for one vanish, as on a host that is switched off. */
async function makeDeadPort(): Promise<number> {
  const program = `const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("node:fs").writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  open.push(() => child.kill("SIGKILL"));
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(said));
  // The kernel accepts one more than the backlog for a program that never does; what comes then it drops.
  for (let place = 0; place < 2; place += 1) {
    const filler = connectSocket(port, "127.0.0.1");
    filler.on("error", () => undefined);
    open.push(() => filler.destroy());
    await once(filler, "connect");
  }
  return port;
}

const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind)).length;

describe("a Redis whose host swallows what is sent", () => {
  it.each(["redis", "rediss", "redis+sentinel", "redis+cluster"])(
    "%s: nothing is left of the attempt, so that the program can end",
    async (scheme) => {
      const port = await makeDeadPort();
      const before = sockets();
      const redis = connectTo(`${scheme}://127.0.0.1:${port}${scheme === "redis+sentinel" ? "/main" : ""}`);
      const call = refusal(redis.send(["PING"]));
      await until(() => sockets() > before, "it connects");
      expect(await call).toMatchObject({ code: "UNAVAILABLE" });
      await nextTurn();
      await nextTurn();
      expect(sockets()).toBe(before);
    },
  );
});

describe("a Redis that does not answer", () => {
  it("stopped: commands end at their deadline, and work again when it goes on", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["SET", "k", "1"]);
    server.freeze();
    const { code, message, ms } = await refusal(redis.send(["GET", "k"]));
    server.thaw();
    expect(code).toBe("UNAVAILABLE");
    expect(message).toContain("300 ms");
    expect(ms).toBeLessThan(2_000);
    expect(String(await redis.send(["GET", "k"]))).toBe("1");
  });

  it("paused (CLIENT PAUSE): commands end at their deadline, and work again afterwards", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["CLIENT", "PAUSE", "700", "ALL"]);
    expect(await refusal(redis.send(["PING"]))).toMatchObject({ code: "UNAVAILABLE" });
    await until(
      () =>
        redis.send(["PING"]).then(
          () => true,
          () => false,
        ),
      "it answers again",
    );
  });

  it("behind a half-open socket: the deadline finds out, and the next command takes a new connection", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    const redis = connectTo(proxy.url);
    await redis.send(["PING"]);
    proxy.swallow(true);
    const { code, ms } = await refusal(redis.send(["PING"]));
    expect(code).toBe("UNAVAILABLE");
    expect(ms).toBeLessThan(1_000);
    proxy.swallow(false);
    expect(String(await redis.send(["PING"]))).toBe("PONG");
  });

  it("swallowing the login: connecting has a deadline too", async () => {
    const server = await makeRedis({ args: ["--requirepass", "p"] });
    const proxy = await makeProxy(server);
    proxy.swallow(true);
    const { code, ms } = await refusal(connectTo(`redis://:p@127.0.0.1:${proxy.port}`).send(["PING"]));
    expect(code).toBe("UNAVAILABLE");
    expect(ms).toBeLessThan(4_000);
  });

  it("as a sentinel or a cluster seed: looking for the node has a deadline, and others are asked meanwhile", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    proxy.swallow(true);
    const deaf = `127.0.0.1:${proxy.port}`;
    const urls = [`redis+sentinel://${deaf}/main`, `redis+cluster://${deaf}`];
    for (const { code, ms } of await Promise.all(urls.map((url) => refusal(connectTo(url).send(["PING"]))))) {
      expect(code).toBe("UNAVAILABLE");
      expect(ms).toBeLessThan(4_000);
    }
    const answers = { connect: () => Promise.resolve(), destroy: () => undefined };
    const hangs = { ...answers, connect: () => new Promise<never>(() => undefined) };
    const knows = { ...answers, sendCommand: () => Promise.resolve(["10.0.0.1", "7000"]) };
    const target = parseRedisUrl("redis+sentinel://deaf,good/main");
    const node = await locate(target, "k", ({ host }) =>
      host === "good" ? knows : { ...hangs, ...knows, connect: hangs.connect },
    );
    expect(node).toEqual({ host: "10.0.0.1", port: 7000 });
  });
});

describe("a Redis that refuses", () => {
  it("a wrong password: DENIED, without the password in the message", async () => {
    const server = await makeRedis({ args: ["--requirepass", "right"] });
    const { code, message } = await refusal(connectTo(`unix://:WR0NG@${server.socketPath}`).send(["PING"]));
    expect(code).toBe("DENIED");
    expect(message).toContain("WRONGPASS");
    expect(message).not.toContain("WR0NG");
  });

  it("no password where one is needed, or one where none is set: DENIED", async () => {
    const server = await makeRedis({ args: ["--requirepass", "right"] });
    expect(await refusal(connectTo(server.url).send(["GET", "k"]))).toMatchObject({ code: "DENIED" });
    const plain = await makeRedis();
    const refused = await refusal(connectTo(`unix://:some@${plain.socketPath}`).send(["GET", "k"]));
    expect(refused).toMatchObject({ code: "DENIED" });
  });

  it("a password that became right: the next command logs in anew", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    const admin = connectTo(server.url);
    await redis.send(["PING"]);
    await admin.send(["ACL", "SETUSER", "default", "resetpass", ">later"]);
    const second = connectTo(`unix://:later@${server.socketPath}`);
    expect(String(await second.send(["PING"]))).toBe("PONG");
    expect(await refusal(connectTo(server.url).send(["PING"]))).toMatchObject({ code: "DENIED" });
  });

  it("a command or a key that the ACL forbids: DENIED, and the connection stays", async () => {
    const server = await makeRedis();
    const admin = connectTo(server.url);
    await admin.send(["ACL", "SETUSER", "ann", "on", ">p", "~mine:*", "+@all", "-keys"]);
    const redis = connectTo(`unix://ann:p@${server.socketPath}`);
    const id = String(await redis.send(["CLIENT", "ID"]));
    expect(await refusal(redis.send(["KEYS", "*"]))).toMatchObject({ code: "DENIED" });
    expect(await refusal(redis.send(["GET", "other"]))).toMatchObject({ code: "DENIED" });
    expect(await refusal(redis.run(renew, ["other", "mine:job"], ["1", "a", "b"]))).toMatchObject({
      code: "DENIED",
    });
    expect(String(await redis.send(["CLIENT", "ID"]))).toBe(id);
  });

  it("no memory: FULL for commands and for scripts that bring new work", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["CONFIG", "SET", "maxmemory", "1"]);
    expect(await refusal(redis.send(["SET", "k", "v"]))).toMatchObject({ code: "FULL" });
    const job = redis.run(submit, ["{r}j", "{r}q", "{r}e"], ["id", "queue", "payload", "x"]);
    expect(await refusal(job)).toMatchObject({ code: "FULL" });
    expect(await redis.run(renew, ["{r}l", "{r}j"], ["1", "a", "b"])).toHaveLength(1);
  });

  it("a replica: UNAVAILABLE, so that the master is looked for again", async () => {
    const server = await makeRedis();
    const redis = connectTo(server.url);
    await redis.send(["REPLICAOF", "127.0.0.1", "1"]);
    expect(await refusal(redis.send(["SET", "k", "v"]))).toMatchObject({ code: "UNAVAILABLE" });
    const job = redis.run(submit, ["{r}j", "{r}q", "{r}e"], ["id", "queue", "payload", "x"]);
    expect(await refusal(job)).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("replicas that do not follow (min-replicas-to-write): UNAVAILABLE", async () => {
    const server = await makeRedis({ args: ["--min-replicas-to-write", "1"] });
    expect(await refusal(connectTo(server.url).send(["SET", "k", "v"]))).toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  it("too many clients: UNAVAILABLE", async () => {
    const server = await makeRedis({ args: ["--maxclients", "1"] });
    const first = connectTo(server.url);
    await until(
      () =>
        first.send(["PING"]).then(
          () => true,
          () => false,
        ),
      "the only place is ours",
    );
    expect(await refusal(connectTo(server.url).send(["PING"]))).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("a command that it does not know: REJECTED, without the arguments in the message", async () => {
    const server = await makeRedis();
    const { code, message } = await refusal(connectTo(server.url).send(["FROBNICATE", "secret payload"]));
    expect(code).toBe("REJECTED");
    expect(message).toContain("FROBNICATE");
    expect(message).not.toContain("secret payload");
  });

  it("a database that it does not have: DENIED", async () => {
    const server = await makeRedis();
    expect(await refusal(connectTo(`${server.url}?db=99`).send(["PING"]))).toMatchObject({ code: "DENIED" });
  });
});

describe("a claim that waits", () => {
  const never = new AbortController().signal;

  it("rejects when Redis is killed, and works on the next call after the restart, with an append-only file", async () => {
    const server = await makeRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    const admin = connectTo(server.url);
    const queue = makeQueue(server.url);
    const waiting = refusal(queue.claim(never));
    await until(blocked(admin), "it waits");
    await server.kill();
    expect((await waiting).code).toBe("UNAVAILABLE");
    await server.start();
    await admin.send(["HSET", queue.keys.job("a"), "payload", "x"]);
    await admin.send(["LPUSH", queue.keys.queue, "a"]);
    expect((await queue.claim(never))[0]?.jobId).toBe("a");
  });

  it("held while Redis comes back empty: the claim is lost, not the runner", async () => {
    const server = await makeRedis();
    const admin = connectTo(server.url);
    const queue = makeQueue(server.url);
    await admin.send(["HSET", queue.keys.job("a"), "payload", "x"]);
    await admin.send(["LPUSH", queue.keys.queue, "a"]);
    const [claim] = await queue.claim(never);
    await server.kill();
    await server.start();
    expect(await queue.renew([claim!])).toEqual(["lost"]);
    expect(await queue.settle(claim!, { kind: "error", reason: "timeout", message: "m" })).toBe("lost");
    expect(await admin.send(["DBSIZE"])).toBe(0);
  });

  it("ends when it is aborted while Redis is stopped, and an id that was on its way is adopted", async () => {
    const server = await makeRedis();
    const admin = connectTo(server.url);
    const queue = makeQueue(server.url);
    const stop = new AbortController();
    const claim = queue.claim(stop.signal);
    await until(blocked(admin), "it waits");
    await admin.send(["HSET", queue.keys.job("a"), "payload", "x"]);
    server.freeze();
    const pushed = admin.send(["LPUSH", queue.keys.queue, "a"], { deadlineMs: 10_000 });
    pushed.catch(() => undefined); // awaited below
    const before = performance.now();
    stop.abort();
    expect(await claim).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2_500);
    server.thaw();
    await pushed;
    await until(
      async () => (await queue.overdue()).leases.length >= 0 && !(await blocked(admin)()),
      "Redis has seen the end",
    );
    const places = [
      ...((await admin.send(["LRANGE", queue.keys.queue, "0", "-1"])) as Buffer[]),
      ...((await admin.send(["LRANGE", queue.keys.active, "0", "-1"])) as Buffer[]),
    ];
    expect(places.map(String)).toEqual(["a"]);
  });

  it("ends when it is aborted through a half-open socket", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    const admin = connectTo(server.url);
    const queue = makeQueue(proxy.url);
    const stop = new AbortController();
    const claim = queue.claim(stop.signal);
    await until(blocked(admin), "it waits");
    proxy.swallow(true);
    const before = performance.now();
    stop.abort();
    expect(await claim).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2_500);
  });

  it("notices a half-open socket by itself, two seconds after its time is up", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    const admin = connectTo(server.url);
    const queue = makeQueue(proxy.url, 0.5);
    const waiting = refusal(queue.claim(never));
    await until(blocked(admin), "it waits");
    proxy.swallow(true);
    const { code, ms } = await waiting;
    expect(code).toBe("UNAVAILABLE");
    expect(ms).toBeLessThan(5_000);
  });
});

describe("a renewal", () => {
  it("finds a half-open socket out while the lease still holds, and the next one renews it", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    const admin = connectTo(server.url);
    const leaseMs = 2_000;
    const queue = new RedisJobQueue({ target: parseRedisUrl(proxy.url), runner: "r", owner: "o", leaseMs });
    open.push(() => queue.close());
    await admin.send(["HSET", queue.keys.job("a"), "payload", "x"]);
    await admin.send(["LPUSH", queue.keys.queue, "a"]);
    const [claim] = await queue.claim(new AbortController().signal);
    proxy.swallow(true);
    const { code, ms } = await refusal(queue.renew([claim!]));
    proxy.swallow(false);
    expect(code).toBe("UNAVAILABLE");
    expect(ms).toBeLessThan(leaseMs);
    expect(await queue.renew([claim!])).toEqual(["held"]);
  });
});

describe("ending a connection", () => {
  it("frees those who wait for it to stand", async () => {
    const server = await makeRedis({ args: ["--requirepass", "p"] });
    const proxy = await makeProxy(server);
    proxy.swallow(true);
    const redis = connectTo(`redis://:p@127.0.0.1:${proxy.port}`);
    const waiting = refusal(redis.send(["PING"]));
    await until(() => proxy.connections > 0, "it connects");
    const droppedMs = performance.now();
    redis.drop();
    await waiting;
    expect(performance.now() - droppedMs).toBeLessThan(1_000);
    redis.close();
    expect(await refusal(redis.send(["PING"]))).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("leaves no connection behind, whatever phase it was in", async () => {
    const server = await makeRedis();
    const proxy = await makeProxy(server);
    for (let round = 0; round < 20; round += 1) {
      const redis = openConnection({ target: parseRedisUrl(proxy.url), routeKey: "k" });
      const answer = redis.send(["PING"]).catch(() => undefined);
      if (round % 2 === 0) await answer;
      redis.close();
      await answer;
    }
    await until(() => proxy.connections === 0, "all connections are gone");
  });
});
