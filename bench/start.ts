/**
 * How soon programs are at work, each beside `node -e 0` in the same round: workers from their start to their first pop,
 * which Redis itself reports, and commands from their start to their end.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openConnection, parseRedisUrl } from "@herorunner/job";
import { builtBin } from "../test/support/built.ts";
import { freePort } from "../test/support/free-port.ts";
import { startRedis } from "../test/support/redis-server.ts";
import type { Contender, Entrant } from "./contender.ts";
import type { EntrantList } from "./entrants.ts";
import { median, ratioOf, short, table } from "./numbers.ts";
import { treeUse } from "./process-tree.ts";
import type { Terms } from "./throughput.ts";

const fewestRounds = 11;

export async function startTables(list: EntrantList, terms: Terms): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "herorunner-bench-start-"));
  try {
    const program = join(folder, "timed-run");
    execFileSync("cc", ["-O2", "-o", program, new URL("programs/timed-run.c", import.meta.url).pathname]);
    const rounds = Math.max(fewestRounds, terms.rounds);
    commandTable(folder, (stdin, words) => timed(program, stdin, words), { ...terms, rounds });
    await firstPopTable(list, () => timed(program, "/dev/null", nothing).wallMs, { ...terms, rounds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const node = process.execPath;
const nothing = [node, "-e", "0"];

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssMiB: number;
}

function timed(program: string, stdin: string, words: readonly string[]): Cost {
  const said = execFileSync(program, [stdin, ...words], { encoding: "utf8" });
  const [wallMs = NaN, cpuMs = NaN, rssKiB = NaN] = said.split(" ").map(Number);
  return { wallMs, cpuMs, rssMiB: rssKiB / 1024 };
}

type Time = (stdin: string, words: readonly string[]) => Cost;

function commandTable(folder: string, time: Time, { rounds, say }: Terms): void {
  const plain = join(folder, "plain.hero");
  writeFileSync(plain, 'print("Hello from heroscript!")\n');
  const engine = join(folder, "engine.hero");
  writeFileSync(engine, "for (let i = 0; i < 3; i++) { print(i) }\n");
  const compiled = (name: string): string => resolve(builtBin("hero"), "../../..", name, "dist", "main.js");
  const commands = [
    { name: "`node -e 0`", stdin: plain, words: nothing },
    { name: "`hero run -s`, print", stdin: plain, words: [node, builtBin("hero"), "run", "-s"] },
    { name: "same, not bundled", stdin: plain, words: [node, compiled("hero"), "run", "-s"] },
    { name: "`hero run -s`, a loop", stdin: engine, words: [node, builtBin("hero"), "run", "-s"] },
    { name: "same, not bundled", stdin: engine, words: [node, compiled("hero"), "run", "-s"] },
    { name: "`herojob --version`", stdin: plain, words: [node, builtBin("herojob"), "--version"] },
    { name: "same, not bundled", stdin: plain, words: [node, compiled("herojob"), "--version"] },
  ];
  for (const name of ["hero", "herojob", "herorunner"]) {
    if (!bundleIsFresh(name)) say(`${name} has no bundle of this build and starts from dist: npm run build`);
  }
  const costs = commands.map((): Cost[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, { stdin, words }] of commands.entries()) costs[at]?.push(time(stdin, words));
  }
  const ratio = (at: number, of: (cost: Cost) => number): string =>
    ratioOf((costs[at] ?? []).map(of), (costs[0] ?? []).map(of));
  say(`Start to end, ${rounds} rounds, each ÷ \`node -e 0\`\n`);
  const rows = commands.map(({ name }, at) => [
    ...[name, ratio(at, (cost) => cost.wallMs), ratio(at, (cost) => cost.cpuMs)],
    ratio(at, (cost) => cost.rssMiB),
  ]);
  say(table(["command", "time", "CPU", "largest RSS"], rows));
  say("");
}

function bundleIsFresh(name: string): boolean {
  const start = resolve(builtBin("hero"), "../../..", name, "dist", "bundle", "start.cjs");
  // What the build made of scripts/bundle/start.cjs.
  return existsSync(start) && (createRequire(import.meta.url)(start) as { isFresh(): boolean }).isFresh();
}

async function firstPopTable(list: EntrantList, bareMs: () => number, terms: Terms): Promise<void> {
  const port = await freePort();
  const redis = await startRedis({ port, args: ["--databases", "64", "--notify-keyspace-events", "Kl"] });
  const bare: number[] = [];
  const workers = list
    .filter((each) => each.queueKey !== undefined)
    .map((each) => ({ each, ms: [] as number[], rssMiB: [] as number[] }));
  try {
    for (let round = 0; round < terms.rounds; round += 1) {
      bare.push(bareMs());
      for (const [at, { each, ms, rssMiB }] of workers.entries()) {
        const one = await firstPop(each, { terms, port, queue: `s${at}r${round}` });
        ms.push(one.ms);
        rssMiB.push(one.rssMiB);
      }
    }
  } finally {
    await redis.stop();
  }
  terms.say(`Start to first pop, ${terms.rounds} rounds; memory after the first job\n`);
  const rows = workers.map(({ each, ms, rssMiB }) => [
    each.name,
    short(median(ms)),
    ratioOf(ms, bare),
    short(median(rssMiB)),
  ]);
  const head = ["worker", "ms", "÷ `node -e 0`", "RSS of its tree, MiB"];
  terms.say(table(head, [["`node -e 0`", short(median(bare)), "1", "–"], ...rows]));
  terms.say("");
}

interface Place {
  readonly terms: Terms;
  readonly port: number;
  readonly queue: string;
}

/** Redis says when something was taken off the worker's list; the worker knows nothing of that. */
async function firstPop(
  { launch, queueKey }: Entrant,
  { terms, port, queue }: Place,
): Promise<{ readonly ms: number; readonly rssMiB: number }> {
  const { program, output } = terms;
  const look = openConnection({ target: parseRedisUrl(`redis://127.0.0.1:${port}`), routeKey: "" });
  let poppedMs = NaN;
  const hear = (event: string): void => {
    if (Number.isNaN(poppedMs) && /pop|move/.test(event)) poppedMs = performance.now();
  };
  let worker: Contender | undefined;
  try {
    await look.subscribe(`__keyspace@0__:${queueKey?.(queue) ?? ""}`, hear, () => undefined);
    const startedMs = performance.now();
    worker = await launch({ port, program, output, concurrency: 4, queue });
    return { ms: poppedMs - startedMs, rssMiB: treeUse(worker.pid).rssMiB };
  } finally {
    look.close();
    await worker?.end();
  }
}
