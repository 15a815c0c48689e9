/** herorunner doctor: what a start with the same options would need, each fault with its fix. */
import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "@herorunner/daemon";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { connectRedis } from "../../../test/support/redis-client.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { doctor } from "../src/doctor/doctor.ts";
import { checkHero } from "../src/doctor/hero-check.ts";
import { checkNode, checkStateFolder } from "../src/doctor/host-check.ts";
import type { Finding } from "../src/doctor/finding.ts";
import { program } from "../src/options.ts";

let server: RedisServer;
let folder: string;
beforeAll(async () => {
  server = await startRedis({ args: ["--appendonly", "yes"] });
  folder = await mkdtemp(join(tmpdir(), "herorunner-doctor-"));
  await writeFile(join(folder, "hero"), "#!/bin/sh\n", { mode: 0o755 });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function examine(...args: string[]) {
  const argv = ["doctor", "--state-dir", folder, ...args];
  const loaded = await load({ program, argv, env: {}, readFile: (path) => readFile(path, "utf8") });
  if (loaded.kind !== "command" || loaded.command !== "doctor") throw new Error(JSON.stringify(loaded));
  const { config, sources } = loaded;
  return doctor({
    config: { ...config, runnerId: config.runnerId ?? "doctor" },
    modeWasChosen: sources["signatures"]?.kind !== "default",
    runnerWasNamed: config.runnerId !== undefined,
    json: config.json,
    env: { PATH: folder },
  });
}

async function findings(
  ...args: string[]
): Promise<{ exitCode: number; of: (name: string) => Finding | undefined }> {
  const { stdout, exitCode } = await examine("--json", ...args);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { exitCode, of: (name) => findings.find((one) => one.name === name) };
}

describe("doctor", () => {
  it("is content where everything is right, and says what it looked at", async () => {
    const { stdout, exitCode } = await examine("-r", server.url, "my-runner");
    expect(exitCode).toBe(0);
    for (const word of [
      "node",
      "hero",
      "redis version",
      "redis eviction",
      "signatures",
      "state folder",
      "isolation group",
      "launcher",
    ]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).not.toContain("FAIL");
  });

  it("leaves nothing in Redis", async () => {
    await examine("-r", server.url, "my-runner");
    const redis = connectRedis(server.url);
    onTestFinished(() => redis.close());
    expect(await redis.call("DBSIZE")).toBe(0);
  });

  it("gives a fix below every line that is not fine", async () => {
    const { stdout, exitCode } = await examine(
      "-r",
      "redis://:S3CRET@127.0.0.1:1",
      "--hero",
      "/nowhere/hero",
    );
    expect(exitCode).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    for (const [at, line] of lines.entries()) {
      if (/^(FAIL|warn|note|\?)/.test(line)) expect(lines[at + 1]).toMatch(/^ +fix: \S/);
    }
    expect(stdout).not.toContain("S3CRET");
  });

  it("says what a choice costs, and is content with it", async () => {
    const { exitCode, stdout } = await examine("-r", server.url, "my-runner");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^note  redis persistence +appendfsync is everysec: .*two seconds/m);
  });

  it("refuses what a start would refuse", async () => {
    const redis = connectRedis(server.url);
    onTestFinished(async () => {
      await redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction");
      redis.close();
    });
    await redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    const lossy = await findings("-r", server.url);
    expect(lossy.exitCode).toBe(1);
    expect(lossy.of("redis eviction")).toMatchObject({
      ok: false,
      severity: "refuse",
      fix: expect.stringMatching(/noeviction/),
    });
    const trust = await findings("-r", server.url, "--trust", join(folder, "missing.json"));
    expect(trust.of("signatures")).toMatchObject({
      ok: false,
      severity: "refuse",
      sentence: expect.stringMatching(/missing\.json/),
    });
    expect((await findings("-r", "redis://10.255.255.1:1")).of("signatures")).toMatchObject({
      severity: "refuse",
      fix: expect.stringMatching(/^make a trust file/),
    });
    const ca = await findings("-r", "rediss://127.0.0.1:1", "--redis-ca", join(folder, "missing.pem"));
    expect(ca.of("redis")).toMatchObject({ ok: false, sentence: expect.stringMatching(/missing\.pem/) });
  });

  it("looks for a collector where one is named, and does not want it to be there", async () => {
    expect((await findings("-r", server.url)).of("traces")).toBeUndefined();
    const url = `http://127.0.0.1:${await freePort()}`;
    const { exitCode, of } = await findings("-r", server.url, "--otlp-endpoint", url);
    expect(exitCode).toBe(0);
    expect(of("traces")).toMatchObject({ ok: false, sentence: expect.stringMatching(/nothing listens/) });
  });

  it("refuses an old Node, and a state folder that cannot be written", () => {
    expect(checkNode("20.18.3")).toMatchObject({ ok: false, severity: "refuse" });
    expect(checkNode("20.19.0").ok).toBe(true);
    expect(checkNode("22.0.0").ok).toBe(true);
    expect(checkStateFolder(join(folder, "hero", "below-a-file"))).toMatchObject({
      ok: false,
      fix: expect.stringMatching(/--state-dir/),
    });
    expect(checkStateFolder(join(folder, "a", "b")).ok).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
    // Root may do everything, says the kernel when it is asked, and yet nobody can.
    expect(checkStateFolder("/proc/herorunner").ok).toBe(false);
  });

  it("refuses a state folder behind a link that leads nowhere, which cannot be made", async () => {
    const link = join(folder, "to-a-disk-that-is-not-mounted");
    await symlink(join(folder, "not", "mounted"), link);
    expect(checkStateFolder(join(link, "web-1"))).toMatchObject({
      ok: false,
      sentence: `${link} is not a folder in which this user can make another (ENOENT)`,
    });
  });
});

describe("the hero binary", () => {
  const script = async (name: string, firstLine: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, `${firstLine}\n`, { mode: 0o755 });
    return path;
  };
  const check = (hero: string, jobPath = "/usr/bin:/bin") => checkHero({ hero, searchPath: "", jobPath });

  it("may be a program, or a script whose interpreter is there", async () => {
    expect(check("/bin/sh").ok).toBe(true);
    expect(check(await script("plain", "#!/bin/sh -e")).ok).toBe(true);
    expect(check(await script("env", "#!/usr/bin/env sh"))).toMatchObject({
      ok: true,
      sentence: /run by .*\/sh/,
    });
    expect(check(await script("none", "echo no first line")).ok).toBe(true);
  });

  it("is no use when its interpreter is missing, or is not on the PATH of jobs", async () => {
    expect(check(await script("gone", "#!/nowhere/python"))).toMatchObject({
      ok: false,
      fix: expect.stringMatching(/nowhere/),
    });
    expect(check(await script("crlf", "#!/bin/sh\r"))).toMatchObject({
      ok: false,
      fix: expect.stringMatching(/sed/),
    });
    expect(check(await script("path", "#!/usr/bin/env sh"), "/nowhere")).toMatchObject({
      ok: false,
      fix: expect.stringMatching(/--path/),
    });
    expect(check("no-such-hero")).toMatchObject({
      ok: false,
      fix: expect.stringMatching(/^install .*--hero/),
    });
    expect(check(folder)).toMatchObject({
      ...{ ok: false, sentence: expect.stringMatching(/is a folder/) },
      fix: expect.stringMatching(/^name a program .*--hero/),
    });
  });
});
