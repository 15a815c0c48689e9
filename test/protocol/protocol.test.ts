/** docs/protocol.md is what clients in other languages are written from: its commands are run and its lists compared. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import {
  clientFields,
  idPattern,
  jobReasons,
  jobStatuses,
  keysOf,
  registryKey,
  indexKey,
  systemFields,
  timeoutSecondsRange,
} from "@herorunner/job";
import {
  jobBytes,
  jobDigest,
  jobPayloadType,
  parseTrustFile,
  readJobFile,
  verifyJob,
} from "@herorunner/job/trust";
import { expect, onTestFinished, test } from "vitest";
import { clientOf } from "../../scripts/redis/private.mjs";
import { repositoryRoot } from "../support/built.ts";
import { endToEnd } from "../support/e2e.ts";

const e2e = endToEnd();
const page = readFileSync(join(repositoryRoot, "docs", "protocol.md"), "utf8");

/** Rows of the first table below a heading, as trimmed cells; without its head. */
function table(heading: string): readonly (readonly string[])[] {
  const lines = page.slice(page.indexOf(`\n## ${heading}\n`)).split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(first).findIndex((line) => !line.startsWith("|"));
  return lines.slice(first + 2, first + length).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Words in code marks. */
function coded(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

function shellBlocks(): readonly (readonly string[])[] {
  return [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => (match[1] ?? "").trim().split("\n"));
}

/** A folder with a `redis-cli` that talks to our server: the page's lines are run as they are pasted. */
async function pastedInto(socketPath: string): Promise<(line: string) => Promise<string>> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-protocol-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server";
  const client = await clientOf({ path, version: "" });
  // Found before the folder is on PATH, or it would call itself.
  const { stdout } = await promisify(execFile)("sh", ["-c", `command -v ${client}`]);
  const script = `#!/bin/sh\nexec ${stdout.trim()} -s ${socketPath} "$@"\n`;
  await writeFile(join(folder, "redis-cli"), script, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` };
  return async (line) => (await promisify(execFile)("sh", ["-c", line], { env })).stdout;
}

test("every redis-cli line of the page, pasted, does what the page says", async () => {
  await e2e.start("my-hero-runner");
  const paste = await pastedInto(e2e.server.socketPath);
  const answers = new Map<string, string>();
  const blocks = shellBlocks();
  expect(blocks.map((block) => block.length)).toEqual([4, 4, 2]);
  for (const line of blocks.flat()) {
    expect(line).toMatch(/^redis-cli /);
    answers.set(line, await paste(line));
  }
  const answerTo = (beginning: string): string =>
    [...answers].find(([line]) => line.startsWith(`redis-cli ${beginning}`))?.[1] ?? "";
  expect(answerTo("BRPOP 'hero:{my-hero-runner}:reply:42'")).toBe(
    "hero:{my-hero-runner}:reply:42\nfinished\n",
  );
  // A hash has no order: any of its fields may come first.
  expect(`\n${answerTo("HGETALL 'hero:{my-hero-runner}:job:42'")}`).toContain(
    "\nresult\nHello from heroscript!\n",
  );
  expect(answerTo("BRPOP 'hero:{my-hero-runner}:reply:43'")).toContain("finished");
  expect(answerTo("HGET 'hero:{my-hero-runner}:job:43' result")).toBe("from the job\n\n");
  // Cancelled after its end: final states never change.
  expect(await e2e.redis.job("my-hero-runner", "43")).toMatchObject({ status: "finished", finals: "1" });
});

test("the keys of the page are the keys of the code", () => {
  const keys = keysOf("R");
  const runners = [
    ...["queue", "active", "leases", "dead", "instances", "control", "settings", "events"].map(
      (name) => `hero:{R}:${name}`,
    ),
    ...[keys.job("<id>"), keys.reply("<id>"), keys.log("<id>"), keys.seen("<id>")],
    ...[keys.instance("<owner>"), keys.stats("<period>")],
  ];
  const all = Object.values(keys).filter(
    (value): value is string => typeof value === "string" && value.startsWith("hero:{R}:"),
  );
  const written = table("Keys").flatMap(([key]) => coded(key));
  for (const key of [...new Set([...runners, ...all, registryKey(), indexKey("<id>")])])
    expect(written).toContain(key);
  for (const key of written.filter((one) => one.startsWith("hero:{R}:")))
    expect([...runners, ...all]).toContain(key);
});

test("the client fields of the page are the client fields of the code", () => {
  expect(new Set(table("Client fields").flatMap(([fields]) => coded(fields)))).toEqual(new Set(clientFields));
});

test("the system fields of the page are the system fields of the code", () => {
  const written = table("System fields").flatMap(([fields]) => coded(fields));
  expect(new Set(written)).toEqual(new Set(systemFields));
});

test("the reasons of the page are the reasons of the code, in the same order", () => {
  expect(table("Reasons").map(([reason]) => coded(reason)[0])).toEqual([...jobReasons]);
});

test("the states of the page, and of its diagram, are the states of the code", () => {
  const section = page.slice(page.indexOf("\n## States\n"), page.indexOf("\n## Reasons\n"));
  const sentence = section.split("\n").find((line) => line.startsWith("`created`")) ?? "";
  expect(coded(sentence)).toEqual([...jobStatuses]);
  const edges = [...section.matchAll(/^ {2}(\S+) --> (\w+): /gm)].flatMap((match) => [match[1], match[2]]);
  expect(new Set(edges.filter((state) => state !== "[*]"))).toEqual(new Set(jobStatuses));
});

test("patterns and limits of the page are those of the code", () => {
  expect(page).toContain(`\`${idPattern.source.replace(/^\^|\$$/g, "")}\``);
  const timeout = table("Client fields").find(([field]) => field === "`timeout`")?.[1];
  expect(timeout).toBe(`whole seconds, ${timeoutSecondsRange.low} to ${timeoutSecondsRange.high}`);
});

test("the signed job of the page has the message, the digest and a signature that the code accepts", () => {
  const section = page.slice(page.indexOf("\n## What is signed\n"), page.indexOf("\n## System fields\n"));
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``).exec(section)?.[1] ?? "";
  const read = readJobFile(block("json"));
  if (!read.ok) throw new Error(read.message);
  expect(jobBytes(read.job).toString()).toBe(block("text"));
  expect(section).toContain(`The type is \`${jobPayloadType}\``);
  expect(section).toContain(`with the SHA-256 \`${jobDigest(read.job)}\``);
  const order = section.split("\n").find((line) => line.startsWith("1. "));
  const { signatures, env_vars, ...signed } = JSON.parse(block("json")) as Record<string, unknown>;
  expect([signatures, env_vars]).not.toContain(undefined);
  expect(coded(order)).toEqual(Object.keys(signed));
  const signers = [{ name: "alice", public_key: read.job.signatures[0]?.publicKey }];
  const parsed = parseTrustFile(JSON.stringify({ audience: read.job.audience, signers }));
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const nowSeconds = read.job.createdAtSeconds ?? 0;
  expect(verifyJob(read, { trust: parsed.trust }, { nowSeconds })).toMatchObject({ valid: true });
});
