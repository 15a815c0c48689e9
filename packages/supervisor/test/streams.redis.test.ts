/** Event streams: nothing twice, nothing lost without a mark, from any place; and readers that do not read. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLogger } from "@herorunner/daemon";
import { keysOf } from "@herorunner/job";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { LoggedIn } from "../src/auth/login.ts";
import { type LogEvent, RpcClient, SupervisorError } from "../src/client.ts";
import { EventHub, type Listener } from "../src/sse/event-hub.ts";
import { defaultStreamLimits, EventStream, type ServerEvent } from "../src/sse/event-stream.ts";
import { feedEvents } from "../src/sse/events.ts";
import { Streams } from "../src/sse/streams.ts";
import type { RunnerRegistry } from "../src/store/runners.ts";
import { until } from "../../../test/support/until.ts";
import { adminSecret, type Harness, type Served, type StandIn, startHarness } from "./support/harness.ts";
import { openRaw } from "./support/raw.ts";

let harness: Harness;
let served: Served;
let client: RpcClient;

beforeAll(async () => {
  harness = await startHarness();
  served = await harness.serve();
  client = new RpcClient({ url: served.url, key: adminSecret });
});
afterAll(() => harness.stop());

const done = { stdout: "", stderr: "", stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 };

/** A started job whose stand-in runner can write to its log. */
async function setup() {
  const runner = harness.runner();
  await served.call("runner.register", { id: runner.id });
  const { id } = await served.call("job.run", { runner: runner.id, payload: "x" });
  const claim = await runner.take();
  const offsets = { out: 0, err: 0 };
  const write = async (data: string, stream: "out" | "err" = "out"): Promise<void> => {
    await runner.queue.appendLog(claim, [{ stream, offset: offsets[stream], data }]);
    offsets[stream] += data.length;
  };
  const finish = () => runner.queue.settle(claim, { kind: "finished", output: done });
  return { runner, id, claim, write, finish };
}

/** What a reader from `after` gets, until the end or until it has `count` events. */
async function read(id: string, after = 0, count = Infinity): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of client.followLog(id, { after })) {
    events.push(event);
    if (events.length >= count) break;
  }
  return events;
}

describe("the log of a job", () => {
  it("comes as it is written and ends with the status", async () => {
    const { id, write, finish } = await setup();
    const events: LogEvent[] = [];
    const reading = (async () => {
      for await (const event of client.followLog(id)) events.push(event);
    })();
    await write("one\n");
    await until(() => events.length === 1, "the first line is there while the job runs");
    await write("two\n", "err");
    await finish();
    await reading;
    expect(events).toEqual([
      { event: "out", id: 1, data: { offset: 0, data: "one\n" } },
      { event: "err", id: 2, data: { offset: 0, data: "two\n" } },
      { event: "end", data: { status: "finished" } },
    ]);
  });

  it("can be taken up at every place, without a gap and without a double", async () => {
    const { id, write, finish } = await setup();
    for (let n = 1; n <= 30; n += 1) await write(`${n}\n`);
    await finish();
    for (const after of [0, 1, 15, 29, 30, 99]) {
      const events = await read(id, after);
      const seqs = events.flatMap((event) => (event.event === "out" ? [event.id] : []));
      expect(seqs).toEqual(Array.from({ length: 30 }, (_, n) => n + 1).filter((seq) => seq > after));
      expect(events.at(-1)).toEqual({ event: "end", data: { status: "finished" } });
      expect(events.filter((event) => event.event === "gap")).toEqual([]);
    }
  });

  it("survives breaks of the connection at random places", async () => {
    const { id, write, finish } = await setup();
    const writing = (async () => {
      for (let n = 1; n <= 60; n += 1) await write(`line ${n}\n`);
      await finish();
    })();
    const seen: LogEvent[] = [];
    let last = 0;
    for (let round = 0; seen.at(-1)?.event !== "end"; round += 1) {
      for (const event of await read(id, last, 1 + ((round * 7) % 9))) {
        seen.push(event);
        if (event.event === "out") last = event.id;
      }
    }
    await writing;
    const text = seen.flatMap((event) => (event.event === "out" ? [event.data.data] : [])).join("");
    expect(text).toBe(Array.from({ length: 60 }, (_, n) => `line ${n + 1}\n`).join(""));
  });

  it("goes on from Last-Event-ID, as browsers send it, rather than from the address", async () => {
    const { id, write, finish } = await setup();
    for (let n = 1; n <= 3; n += 1) await write(`${n}`);
    await finish();
    const response = await served.get(`/jobs/${id}/log?after=0`, { "Last-Event-ID": "2" });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const text = await response.text();
    expect(text).toContain('id: 3\nevent: out\ndata: {"offset":2,"data":"3"}\n\n');
    expect(text).not.toContain("id: 2");
    expect(text).toMatch(/event: end\ndata: \{"status":"finished"\}\n\n$/);
  });

  it("marks what fell out of the log, in entries and bytes", async () => {
    const { id, runner, write, finish } = await setup();
    for (let n = 0; n < 5; n += 1) await write("1234567890");
    await harness.redis.send(["XTRIM", runner.keys.log(id), "MAXLEN", "2"]);
    await finish();
    expect((await read(id))[0]).toEqual({ event: "gap", data: { stream: "out", entries: 3, bytes: 30 } });
    expect((await read(id, 2))[0]).toEqual({ event: "gap", data: { stream: "out", entries: 1 } });
    expect((await read(id, 3))[0]).toMatchObject({ event: "out", id: 4 });
  });

  it("marks what the runner left out", async () => {
    const { id, runner, claim, finish } = await setup();
    await runner.queue.appendLog(claim, [
      { stream: "out", offset: 0, data: "abc" },
      { stream: "out", offset: 1000, data: "def" },
    ]);
    await finish();
    expect(await read(id)).toMatchObject([
      { event: "out" },
      { event: "gap", data: { stream: "out", bytes: 997 } },
      { event: "out" },
      { event: "end" },
    ]);
  });

  it("of a job that failed says why at its end", async () => {
    const { id, runner, claim } = await setup();
    await runner.queue.settle(claim, { kind: "error", reason: "timeout", message: "too slow" });
    expect(await read(id)).toEqual([{ event: "end", data: { status: "error", reason: "timeout" } }]);
  });

  it("of no job is 404, from no place 400, without a key 401", async () => {
    const { id } = await setup();
    expect((await served.get("/jobs/none/log")).status).toBe(404);
    expect((await served.get(`/jobs/${id}/log?after=x`)).status).toBe(400);
    expect((await fetch(`${served.url}/jobs/${id}/log`)).status).toBe(401);
    await expect(read("none")).rejects.toBeInstanceOf(SupervisorError);
    await expect(read("none")).rejects.toMatchObject({ reason: "job_not_found" });
  });
});

describe("readers that do not read", () => {
  const request = (path: string) =>
    [`GET ${path} HTTP/1.1`, "Host: localhost:PORT", `Authorization: Bearer ${adminSecret}`, "", ""].join(
      "\r\n",
    );

  it("of a log are not buffered for, and dropped with a mark", async () => {
    // So long has the reader, too, to take the mark.
    const impatient = await harness.serve({ limits: { patienceMs: 3_000, maxWaitingBytes: 64 * 1024 } });
    const { id, write, finish } = await setup();
    for (let n = 0; n < 60; n += 1) await write("x".repeat(250_000));
    await finish();
    const raw = openRaw(impatient.port);
    raw.socket.pause();
    raw.socket.write(request(`/jobs/${id}/log`).replace("PORT", String(impatient.port)));
    await until(() => impatient.supervisor.streams === 1, "the stream is open");
    await until(() => impatient.supervisor.streams === 0, "the stream was given up");
    raw.socket.resume();
    await until(() => raw.closed(), "the connection is closed");
    expect(raw.received()).toContain('event: dropped\ndata: {"reason":"slow_reader"}');
    expect(raw.received().length).toBeLessThan(14_000_000);
  });

  it("are given up also when the garbage collector runs while they are waited for", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    let reason = "";
    const server = createServer((request, response) => {
      const stream = new EventStream(request, response, {
        ...{ ...defaultStreamLimits, patienceMs: 300, maxWaitingBytes: 1_000 },
      });
      response.on("error", () => undefined);
      stream.signal.addEventListener("abort", () => (reason = "given up"));
      stream.write({ event: "out", data: "x".repeat(30_000_000) });
      void stream.room();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => (server.closeAllConnections(), void server.close()));
    const { socket } = openRaw((server.address() as AddressInfo).port); // a TCP server's address is no string
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => (collect(), reason !== ""), "the reader is given up");
  });

  it("of events miss some, and are told how many", async () => {
    let tell: Listener = () => undefined;
    const hub = { listen: (listener: Listener) => ((tell = listener), () => undefined) };
    const written: ServerEvent[] = [];
    const gone = new AbortController();
    let makeRoom = (): void => undefined;
    const stream = {
      signal: gone.signal,
      isFull: false,
      write: (event: ServerEvent) => void written.push(event),
      room: () => new Promise<void>((resolve) => (makeRoom = resolve)),
    };
    const feeding = feedEvents(hub, stream, () => true);
    tell({ event: "job", data: 1 });
    stream.isFull = true;
    for (let n = 2; n <= 9; n += 1) tell({ event: "job", data: n });
    stream.isFull = false;
    tell({ event: "job", data: 10 });
    makeRoom();
    await until(() => written.length === 2, "the mark is written");
    tell({ event: "job", data: 11 });
    gone.abort();
    await feeding;
    expect(written).toEqual([
      { event: "job", data: 1 },
      { event: "gap", data: { events: 9 } },
      { event: "job", data: 11 },
    ]);
  });
});

/** Events are told from the moment somebody listens; this makes some until one is seen. */
async function seeFirstEvent(on: Served, runner: StandIn, received: () => string): Promise<void> {
  await until(async () => {
    await on.call("job.run", { runner: runner.id, payload: "x" });
    return received().includes("event: job");
  }, "events arrive");
}

describe("events", () => {
  it("tell what becomes of jobs and runners, to those who ask for them", async () => {
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    const events: { readonly event: string; readonly data: unknown }[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const event of client.events({ runner: runner.id, signal: stop.signal })) events.push(event);
    })().catch(() => undefined);
    await seeFirstEvent(served, runner, () => events.map(({ event }) => `event: ${event}`).join());
    await runner.finish("done");
    const told = (event: string, part: object): Promise<void> =>
      until(
        () => events.some((one) => one.event === event && contains(one.data, part)),
        `${event} ${JSON.stringify(part)} is told`,
      );
    await told("job", { runner: runner.id, status: "finished" });
    await runner.appear();
    await told("runner", { id: runner.id, alive: true });
    await served.call("runner.pause", { id: runner.id });
    await told("runner", { id: runner.id, paused: true });
    await served.call("runner.remove", { id: runner.id, force: true });
    await told("runner", { id: runner.id, removed: true });
    stop.abort();
    await reading;
    await until(() => served.supervisor.streams === 0, "the stream is closed");
  });

  it("of a runner that has many at once are told in one look, all of them", async () => {
    const all = Array.from({ length: 5_200 }, (_, n) => [
      `${n + 1}-0`,
      ["id", `job-${n}`, "status", "queued"],
    ]);
    let looks = 0;
    const redis = {
      send: ([name, , from = ""]: readonly string[]) => {
        if (name === "XREVRANGE") return Promise.resolve([]);
        const after = Number(/^\((\d+)/.exec(from)?.[1]);
        return Promise.resolve(all.slice(after, after + 500));
      },
    };
    const runners = {
      list: () => ((looks += 1), Promise.resolve([{ id: "busy", instances: [] }])),
      keys: () => keysOf("busy"),
      at: () => redis,
    } as unknown as RunnerRegistry; // what a hub asks of it
    const hub = new EventHub(
      runners,
      createLogger({ level: "ERROR", format: "text", out: process.stdout, err: process.stderr }),
    );
    const seen: unknown[] = [];
    const stop = hub.listen(({ event, data }) => (event === "job" ? seen.push(data) : undefined));
    await until(() => seen.length >= all.length, "all are told");
    stop();
    expect([seen.length, looks]).toEqual([all.length, 1]);
    expect(seen.at(-1)).toMatchObject({ id: "job-5199" });
  });

  it("are told from the moment in which the stream is open", async () => {
    const fresh = await harness.serve(); // nobody listens there yet
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    await harness.redis.send(["CLIENT", "PAUSE", "300", "ALL"]);
    const stop = new AbortController();
    const response = await fetch(`${fresh.url}/events?runner=${runner.id}`, {
      headers: { Authorization: `Bearer ${adminSecret}` },
      signal: stop.signal,
    });
    let received = "";
    const reading = (async () => {
      for await (const chunk of response.body!) received += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    await harness.redis.send(["XADD", runner.keys.events, "*", "id", "a", "status", "started"]);
    await until(() => received.includes("event: job"), "it is told");
    expect(received).toContain('"id":"a","status":"started"');
    stop.abort();
    await reading;
  });

  function contains(data: unknown, part: object): boolean {
    const members = new Map(Object.entries(data as object));
    return Object.entries(part).every(([name, value]) => members.get(name) === value);
  }
});

it("a reader that went before its stream was open leaves none behind", async () => {
  const streams = new Streams(defaultStreamLimits);
  const login = { stillValid: () => Promise.resolve(true) } as LoggedIn; // what a stream asks of it
  const hub = { listen: () => () => undefined };
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  let isOver: Promise<void> = Promise.resolve();
  const server = createServer((request, response) => {
    asked();
    const feed = (stream: EventStream): Promise<void> => feedEvents(hub, stream, () => true);
    // So long takes its sign-in.
    const gone = once(response, "close");
    isOver = gone.then(() => streams.serve({ request, response, login, headers: {}, feed }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { socket } = openRaw((server.address() as AddressInfo).port); // a TCP server's address is no string
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await isAsked;
  socket.destroy();
  await isOver;
  expect([streams.opened, streams.count]).toEqual([1, 0]);
});

describe("limits of streams", () => {
  it("there are only so many at once", async () => {
    const few = await harness.serve({ limits: { maxStreams: 2 } });
    const open = await Promise.all([few.get("/events"), few.get("/events")]);
    const third = await few.get("/events");
    expect([third.status, await third.json()]).toEqual([
      429,
      expect.objectContaining({ reason: "too_many_streams" }),
    ]);
    await open[0].body?.cancel();
    await until(() => few.supervisor.streams === 1, "one is closed");
    const next = await few.get("/events");
    expect(next.status).toBe(200);
    await Promise.all([open[1].body?.cancel(), next.body?.cancel()]);
  });

  it("a revoked key ends its streams", async () => {
    const watchful = await harness.serve({ limits: { recheckMs: 100 } });
    const { id, key } = await watchful.call("key.create", { name: "reader", scopes: ["jobs:read"] });
    const response = await watchful.get("/events", { Authorization: `Bearer ${key}` });
    await watchful.call("key.revoke", { id });
    expect(await response.text()).toContain('event: dropped\ndata: {"reason":"key_revoked"}');
  });

  it("a supervisor that stops says so to its readers", async () => {
    const leaving = await harness.serve();
    const response = await leaving.get("/events");
    const text = response.text();
    await leaving.supervisor.close(AbortSignal.timeout(5_000));
    expect(await text).toContain('event: dropped\ndata: {"reason":"shutdown"}');
    await harness.redis.send(["PING"]);
  });
});
