/** What herorunner doctor says of options that a start ends over with exit code 2. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, openMetrics, startHealth } from "@herorunner/daemon";
import { generateKeyFile } from "@herorunner/job/trust";
import { RecordingLogger } from "@herorunner/runner/testing";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import type { Finding } from "../src/doctor/finding.ts";
import { checkStart } from "../src/doctor/start-check.ts";
import { metricTable } from "../src/metric-table.ts";
import { program } from "../src/options.ts";

async function found(...args: string[]): Promise<readonly Finding[]> {
  const loaded = await load({
    program,
    argv: ["doctor", ...args],
    env: {},
    readFile: () => Promise.reject(),
  });
  if (loaded.kind !== "command" || loaded.command !== "doctor") throw new Error(JSON.stringify(loaded));
  const { runnerId } = loaded.config;
  return checkStart({ ...loaded.config, runnerId: runnerId ?? "doctor" }, runnerId !== undefined);
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-doctor-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** What a runner shows at --listen. */
async function runnerServing(runner: string): Promise<string> {
  const metrics = await openMetrics();
  const facts = { isolation: "group", launcher: "plain", signatures: "off" } as const;
  metrics.gauge(metricTable.info).set({ runner, ...facts }, 1);
  const verdict = () => ({ reasons: [] });
  const checks = { healthy: verdict, ready: verdict, metrics, logger: new RecordingLogger() };
  const health = await startHealth({ listen: { host: "127.0.0.1", port: 0 }, ...checks });
  onTestFinished(() => health.close());
  return `127.0.0.1:${health.address.port}`;
}

test("nothing is said of what was not asked for", async () => {
  expect(await found()).toEqual([]);
  expect(await found("--supervisor-key-file", "/nowhere/key")).toEqual([]); // nor does a start read it
});

test("what a start can use is fine", async () => {
  const folder = await newFolder();
  const [receipt, key] = [join(folder, "receipt.key"), join(folder, "key")];
  await generateKeyFile(receipt, "receipts");
  await writeFile(key, "admin\n");
  const listen = `127.0.0.1:${await freePort()}`;
  const supervisor = ["--supervisor", "http://127.0.0.1:1", "--supervisor-key-file", key];
  const findings = await found(
    ...["--env-allow", "PATH", "--env-allow", "LD_PRELOAD:unsafe", "--receipt-key", receipt],
    ...[...supervisor, "--listen", listen],
  );
  expect(findings.map(({ name, ok, sentence }) => [name, ok, sentence])).toEqual([
    ["allowed names", true, "PATH, LD_PRELOAD"],
    ["receipt key", true, receipt],
    ["supervisor key", true, key],
    ["listen", true, listen],
  ]);
  expect(await found("--listen", listen)).toMatchObject([{ ok: true }]); // it was given back
});

test("what a start would end over is a fault, with the words of the start and a next step", async () => {
  const folder = await newFolder();
  const open = join(folder, "open.key");
  await generateKeyFile(open, "receipts");
  await chmod(open, 0o644);
  const stranger = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await new Promise((resolve) => stranger.once("listening", resolve));
  onTestFinished(() => void stranger.close());
  const { port } = stranger.address() as { port: number };
  for (const [sentence, ...args] of [
    [/^--env-allow: LD_PRELOAD loads foreign code/, "--env-allow", "LD_PRELOAD"],
    [/^--receipt-key: .*\/nowhere\/key/, "--receipt-key", "/nowhere/key"],
    [/^--receipt-key: .*open\.key/, "--receipt-key", open],
    [
      /^--supervisor-key-file \/nowhere\/key cannot be read/,
      ...["--supervisor", "http://127.0.0.1:1", "--supervisor-key-file", "/nowhere/key"],
    ],
    [/^--listen 127\.0\.0\.1:\d+ cannot be served: .*EADDRINUSE/, "--listen", `127.0.0.1:${port}`],
    [/^--listen 192\.0\.2\.1:9464 cannot be served: /, "--listen", "192.0.2.1:9464"],
  ] as const)
    expect(await found(...args)).toEqual([
      expect.objectContaining({
        ...{ ok: false, severity: "refuse", fix: expect.stringMatching(/\w/) },
        sentence: expect.stringMatching(sentence),
      }),
    ]);
});

test("an address that the runner itself serves is no fault, one that another serves is, and both say whose it is", async () => {
  const listen = await runnerServing("web-1");
  const own = {
    ok: false,
    severity: "note",
    sentence: `${listen} is served by the runner web-1, which runs now`,
  };
  expect(await found("--listen", listen, "web-1")).toMatchObject([own]);
  expect(await found("--listen", listen)).toMatchObject([own]);
  expect(await found("--listen", listen, "web-2")).toMatchObject([
    { ok: false, severity: "refuse", sentence: `${listen} is served by the runner web-1` },
  ]);
});
