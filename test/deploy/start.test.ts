/** What deploy/ describes is started as it stands there, with paths and ports of the test, and stopped as it would be. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobClient } from "@herorunner/job";
import { generateKey, type SecretKey, signJob } from "@herorunner/job/trust";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { endToEnd } from "../support/e2e.ts";
import { freePort } from "../support/free-port.ts";
import { startHerorunner } from "../support/herorunner.ts";
import { until } from "../support/until.ts";
import { deployFolder, readServices, type Service } from "./support/services.ts";

const services = await readServices();
const e2e = endToEnd();
const healthy = join(deployFolder, "container/healthy.mjs");
const runnerId = "my-host";
let folder = "";
let alice: SecretKey;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "herorunner-deploy-"));
  alice = generateKey("alice");
  await mkdir(join(folder, "etc"));
  await mkdir(join(folder, "state", runnerId, "home"), { recursive: true });
  const signers = [{ name: alice.name, public_key: alice.publicKey }];
  const trust = JSON.stringify({ audience: "default", threshold: 1, signers });
  const texts = { "trust.json": trust, "admin-secret": "a-long-and-random-text-of-this-test" };
  const urls = { "redis-url": e2e.server.url, "supervisor-redis-url": e2e.server.url };
  for (const [name, text] of Object.entries({ ...texts, ...urls })) {
    await writeFile(join(folder, "etc", name), `${text}\n`);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The service with this machine's paths: everything else is as it is shipped. */
async function onThisMachine(service: Service) {
  const port = await freePort();
  const replaced = (text: string): string =>
    text
      .replace(/\$\{CREDENTIALS_DIRECTORY\}|\/run\/secrets(?:\/redis|\/admin)?(?=\/)/, join(folder, "etc"))
      .replace("/etc/herorunner", join(folder, "etc"))
      .replace("/var/lib/herorunner", join(folder, "state"))
      .replace(/(?:0\.0\.0\.0|127\.0\.0\.1):9464/, `127.0.0.1:${port}`)
      .replace("0.0.0.0", "127.0.0.1")
      .replace("http://supervisor:8082", "http://127.0.0.1:1")
      .replace(/%i|cluster-runner|\$\{HERO_RUNNER_ID:-my-host\}/, runnerId);
  const env = Object.fromEntries(Object.entries(service.env).map(([name, text]) => [name, replaced(text)]));
  return { port, args: service.args.map(replaced), env };
}

async function health(url: string): Promise<number> {
  const asked = execFile(process.execPath, [healthy, url]);
  await once(asked, "close");
  return asked.exitCode ?? -1;
}

const runners = services.filter(({ program }) => program === "herorunner");
const supervisors = services.filter(({ program }) => program === "herosupervisor");

describe.each(runners)("the runner of $file", (service) => {
  it("takes a signed job, and on SIGTERM lets it end before it ends itself", async () => {
    const { port, args, env } = await onThisMachine(service);
    const go = join(folder, `go-${port}`);
    const hero = join(folder, `hero-${port}`);
    await writeFile(hero, `#!/bin/sh\ncat\nuntil [ -e ${go} ]; do sleep 0.02; done\necho ", drained"\n`, {
      mode: 0o755,
    });
    const listen = { HERORUNNER_LISTEN: `127.0.0.1:${port}` };
    const runner = await startHerorunner(args, { env: { ...env, ...listen, HERORUNNER_HERO: hero } });
    await using client = await JobClient.connect(e2e.server.url);
    const sign = (job: Parameters<typeof signJob>[0]) =>
      signJob(job, alice, { nowSeconds: Date.now() / 1000 });
    const { id } = await client.submit({ runner: runnerId, payload: "hello", timeoutSeconds: 30 }, { sign });
    await until(async () => (await client.status(id)).status === "started", "the job runs");
    for (const path of ["/healthz", "/readyz"])
      expect(await health(`http://127.0.0.1:${port}${path}`)).toBe(0);
    runner.signal("SIGTERM");
    await runner.logged("draining");
    expect(await health(`http://127.0.0.1:${port}/readyz`)).toBe(1);
    await writeFile(go, "");
    expect(await runner.exited).toBe(0);
    expect(await client.wait(id)).toMatchObject({ status: "finished", result: "hello, drained\n" });
  });

  it("takes nothing that is not signed", async () => {
    const { args, env } = await onThisMachine(service);
    await startHerorunner(args, { env });
    await e2e.redis.submit(runnerId, `plain-${service.file.length}`, { payload: "print(1)" });
    const job = await e2e.redis.final(runnerId, `plain-${service.file.length}`);
    expect(job).toMatchObject({ status: "error", reason: "unsigned" });
  });
});

describe.each(supervisors)("the supervisor of $file", (service) => {
  it("answers its probes and stops on SIGTERM", async () => {
    const { port, args, env } = await onThisMachine(service);
    const bin = join(repositoryRoot, "packages/supervisor/bin/herosupervisor.js");
    const own = { ...env, HEROSUPERVISOR_PORT: String(port), PATH: process.env["PATH"] ?? "", HOME: folder };
    const supervisor = spawn(process.execPath, [bin, ...args], { env: own, stdio: "ignore" });
    onTestFinished(() => ended(supervisor, "SIGKILL").then(() => undefined));
    const answers = async (path: string): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ status }) => status === 200,
        () => false,
      );
    for (const path of ["/healthz", "/readyz"]) await until(() => answers(path), `${path} answers 200`);
    expect(await health(`http://127.0.0.1:${port}/readyz`)).toBe(0);
    expect(await ended(supervisor, "SIGTERM")).toBe(0);
    expect(await health(`http://127.0.0.1:${port}/readyz`)).toBe(1);
  });
});

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "close");
    child.kill(signal);
    await gone;
  }
  return child.exitCode;
}
