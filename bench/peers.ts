/** BullMQ and Celery, with a processor that does the same work. Celery takes part where Debian's package is installed. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { openConnection, parseRedisUrl, type RedisConnection } from "@herorunner/job";
import { Queue } from "bullmq";
import { until } from "../test/support/until.ts";
import {
  type Batch,
  type Contender,
  type Entrant,
  payload,
  type Setting,
  startProgram,
} from "./contender.ts";

const programs = new URL("programs/", import.meta.url).pathname;
const python = "/usr/bin/python3";
const run = promisify(execFile);

export function bullmq(): Entrant {
  return { name: "BullMQ", launch: launchBullmq, queueKey: (queue) => `bull:${queue}:wait` };
}

async function launchBullmq({
  port,
  queue: name,
  concurrency,
  program,
  output,
}: Setting): Promise<Contender> {
  const args = [`${programs}bullmq-worker.mjs`, String(port), name, String(concurrency), program];
  const started = startProgram(process.execPath, args);
  const queue = new Queue(name, { connection: { host: "127.0.0.1", port, maxRetriesPerRequest: null } });
  const redis = openConnection({
    ...{ target: parseRedisUrl(`redis://127.0.0.1:${port}`), routeKey: "", deadlineMs: 120_000 },
  });
  const completed = async (): Promise<number> =>
    Number(await redis.send(["ZCARD", queue.toKey("completed")]));
  const prepare = async (count: number): Promise<Batch> => {
    await queue.pause();
    const jobs = await queue.addBulk(
      Array.from({ length: count }, () => ({ name: "run", data: { payload } })),
    );
    const before = await completed();
    return {
      go: () => queue.resume(),
      finished: async () => (await completed()) - before,
      check: async () => {
        const id = jobs.at(-1)?.id ?? "";
        const result: unknown = (await queue.getJob(id))?.returnvalue;
        if (result !== output) throw new Error(`a job came to ${String(result)}`);
      },
    };
  };
  const single = async (): Promise<number> => {
    const events = queue.toKey("events");
    const startedMs = performance.now();
    const last = await redis.send(["XINFO", "STREAM", events]).then((reply) => lastIdOf(reply));
    const overheadMs = performance.now() - startedMs;
    const job = await queue.add("run", { payload });
    let from = last;
    for (;;) {
      const text = JSON.stringify(
        readable(await redis.send(["XREAD", "BLOCK", "30000", "STREAMS", events, from])),
      );
      if (text.includes('"completed"') && text.includes(`"${job.id}"`)) break;
      from = [...text.matchAll(/"(\d+-\d+)"/g)].at(-1)?.[1] ?? from;
    }
    return performance.now() - startedMs - overheadMs;
  };
  const end = async (): Promise<void> => {
    await queue.close();
    redis.close();
    await started.end();
  };
  const first = await prepare(1);
  await first.go();
  await until(async () => (await first.finished()) === 1, `BullMQ works: ${started.said()}`, 20_000);
  return { pid: started.pid, prepare, single, end };
}

/** Buffers as text, however deep. */
function readable(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map((one: unknown) => readable(one)) : reply;
}

function lastIdOf(reply: unknown): string {
  const words = readable(reply);
  if (!Array.isArray(words)) return "0";
  return String(words[words.indexOf("last-generated-id") + 1]);
}

/** Undefined, with the reason said, where Celery is not installed. */
export function celery(say: (line: string) => void): Entrant | undefined {
  try {
    execFileSync(python, ["-c", "import celery, redis"], { stdio: "ignore" });
  } catch {
    say("Celery takes no part: apt-get install python3-celery python3-redis");
    return undefined;
  }
  return { name: "Celery", launch: launchCelery };
}

/** Each worker has two databases of the server for itself: one for its queue, one for what becomes of its tasks. */
let nextDatabase = 1;

function celeryEnvironment(setting: {
  readonly url: string;
  readonly queue: string;
  readonly program: string;
  readonly database: number;
  readonly concurrency: number;
}): Readonly<Record<string, string>> {
  const { url, queue, program, database, concurrency } = setting;
  return {
    ...{ BENCH_REDIS: url, BENCH_QUEUE: queue, BENCH_PROGRAM: program, BENCH_DATABASE: String(database) },
    // With one place in all, a worker that has just ended a task does not look for the next one before its poll runs out.
    BENCH_PREFETCH: concurrency === 1 ? "2" : "1",
    ...{ PYTHONPATH: programs, PYTHONDONTWRITEBYTECODE: "1", C_FORCE_ROOT: "1" },
  };
}

async function launchCelery({ port, queue, concurrency, program }: Setting): Promise<Contender> {
  const url = `redis://127.0.0.1:${port}`;
  const database = nextDatabase;
  nextDatabase += 2;
  const env = celeryEnvironment({ url, queue, program, database, concurrency });
  const args = ["-m", "celery", "-A", "celery_worker", "worker", "-c", String(concurrency), "-O", "fair"];
  const started = startProgram(
    python,
    [...args, "--without-gossip", "--without-mingle", "--without-heartbeat"],
    env,
  );
  const deadlineMs = 120_000;
  const broker = openConnection({ target: parseRedisUrl(`${url}/${database}`), routeKey: "", deadlineMs });
  const results = openConnection({
    target: parseRedisUrl(`${url}/${database + 1}`),
    routeKey: "",
    deadlineMs,
  });
  const stored = async (): Promise<number> => Number(await results.send(["DBSIZE"]));
  const enqueue = async (into: string, count: number): Promise<readonly string[]> => {
    const words = [`${programs}celery_worker.py`, into, String(count), payload];
    const { stdout } = await run(python, words, { env: { ...process.env, ...env }, maxBuffer: 1e8 });
    return stdout.trim().split("\n");
  };
  const prepare = async (count: number): Promise<Batch> => {
    const ids = await enqueue(`${queue}-aside`, count);
    const before = await stored();
    return {
      go: async () => void (await broker.send(["RENAME", `${queue}-aside`, queue])),
      finished: async () => (await stored()) - before,
      check: async () => {
        const result = String(await results.send(["GET", `celery-task-meta-${ids.at(-1)}`]));
        if (!result.includes('"SUCCESS"')) throw new Error(`a task came to ${result}`);
      },
    };
  };
  const single = async (): Promise<number> => {
    const [id] = await enqueue(`${queue}-aside`, 1);
    const told = openConnection({ target: parseRedisUrl(`${url}/${database + 1}`), routeKey: "" });
    return timedUntil(told, `celery-task-meta-${id}`, () => broker.send(["RENAME", `${queue}-aside`, queue]));
  };
  const end = async (): Promise<void> => {
    broker.close();
    results.close();
    await started.end();
  };
  const first = await prepare(1);
  await first.go();
  await until(async () => (await first.finished()) === 1, `Celery works: ${started.said()}`, 30_000);
  return { pid: started.pid, prepare, single, end };
}

/** Ms from `act` to the first message on the channel. Closes the connection. */
async function timedUntil(
  told: RedisConnection,
  channel: string,
  act: () => Promise<unknown>,
): Promise<number> {
  let heard: () => void = () => undefined;
  const message = new Promise<void>((resolve) => (heard = resolve));
  await told.subscribe(channel, heard, () => undefined);
  const startedMs = performance.now();
  await act();
  await message;
  told.close();
  return performance.now() - startedMs;
}
