import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type CommandAnswer,
  readJobFile,
  runVerifyCommand,
  type VerifyCommand,
  writeJobFile,
} from "../../src/trust/index.ts";
import { alice, bob, entry, mallory, nowSeconds, signedJob } from "./fixtures.ts";
import type { Job } from "../../src/job.ts";

async function run(
  job: Job | string,
  trust: object | string = { signers: [entry(alice)] },
  options: Partial<VerifyCommand> = {},
): Promise<CommandAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-verify-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [jobFile, trustFile] = [join(folder, "job.json"), join(folder, "trust.json")];
  await writeFile(jobFile, typeof job === "string" ? job : writeJobFile(job));
  await writeFile(trustFile, typeof trust === "string" ? trust : JSON.stringify(trust));
  return runVerifyCommand({ jobFile, trustFile, nowSeconds, ...options });
}

/** Without variables. */
const bare = { envVars: new Map<string, string>() };

describe("runVerifyCommand", () => {
  it("prints a line for every check", async () => {
    const answer = await run(await signedJob([alice], bare), undefined, { runner: "hero1" });
    expect(answer).toEqual({
      exitCode: 0,
      stdout: ["signatures", "fields", "runner", "audience", "window", "created_at", "expires_at"]
        .concat(["signature-1", "signer", "threshold"])
        .map((name) => `ok ${name}\n`)
        .join(""),
      stderr: "",
    });
  });

  it("prints one JSON object when asked to", async () => {
    const answer = await run(await signedJob([alice, mallory]), undefined, { json: true });
    const report = JSON.parse(answer.stdout) as Record<string, unknown>;
    expect(answer.exitCode).toBe(0);
    expect(report).toMatchObject({ valid: true, codes: [], signers: ["alice"] });
    expect(report["digest"]).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.keys(report)).toEqual(["valid", "codes", "signers", "digest", "checks", "unchecked"]);
  });

  it("names what is at fault and goes on with the other checks", async () => {
    const job = { ...(await signedJob()), payload: "changed", expiresAtSeconds: nowSeconds - 100 };
    const answer = await run(job, { signers: [entry(bob)], audience: "prod" });
    expect(answer.exitCode).toBe(1);
    const failing = answer.stdout.split("\n").filter((line) => line.startsWith("FAIL "));
    expect(failing.map((line) => line.split(":")[0])).toEqual([
      "FAIL fields",
      "FAIL audience",
      "FAIL expires_at",
      "FAIL signature-1",
      "FAIL signer",
      "FAIL threshold",
    ]);
    expect(answer.stdout).not.toContain("changed,");
  });

  it("looks into the script when it has a parser, and says so when it has none", async () => {
    const trust = { signers: [entry(alice, { actions: ["git.*"] })] };
    const job = await signedJob([alice], bare);
    const blind = await run(job, trust);
    expect(blind).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining("ok actions") });
    expect(blind.stdout).toMatch(
      /^\? actions: not checked: the signers may use git\.\*; .*herorunner verify/m,
    );
    const unchecked = [{ name: "actions", detail: expect.stringContaining("git.*") }];
    expect(JSON.parse((await run(job, trust, { json: true })).stdout)).toMatchObject({
      valid: true,
      unchecked,
    });
    const listActions = (): { actions: string[]; clean: boolean } => ({
      actions: ["docker.rm"],
      clean: true,
    });
    const answer = await run(job, trust, { listActions, json: true });
    expect(JSON.parse(answer.stdout)).toMatchObject({ valid: false, reason: "not_granted", signers: [] });
    expect(answer.exitCode).toBe(1);
  });

  it("looks at the variables where it knows the rules for them, and says so where it does not", async () => {
    const job = await signedJob([alice], { envVars: new Map([["PATH", "/tmp"]]) });
    const blind = await run(job, undefined, { json: true });
    const unchecked = [{ name: "env_vars", detail: expect.stringContaining("the runner") }];
    expect(JSON.parse(blind.stdout)).toMatchObject({ valid: true, unchecked });
    const seen: unknown[] = [];
    const environmentProblem: VerifyCommand["environmentProblem"] = ({ envVars }, { envUnsafe }) => {
      seen.push([...envVars.keys()], envUnsafe);
      return "a job may not set PATH";
    };
    const answer = await run(job, undefined, { environmentProblem, json: true });
    expect(seen).toEqual([["PATH"], false]);
    expect(answer.exitCode).toBe(1);
    const refused = { valid: false, reason: "env_refused", signers: [], unchecked: [] };
    expect(JSON.parse(answer.stdout)).toMatchObject(refused);
    expect((await run(job, undefined, { environmentProblem })).stdout).toMatch(
      /^FAIL env_vars: a job may not set PATH$/m,
    );
  });

  it("calls a broken job invalid and a broken trust file a usage error", async () => {
    const twice = await run('{"payload":"a","payload":"b"}', undefined, { json: true });
    expect(twice.exitCode).toBe(1);
    expect(JSON.parse(twice.stdout)).toMatchObject({
      valid: false,
      reason: "malformed",
      codes: ["BAD_FIELD"],
    });
    const noTrust = await run(await signedJob(), "{}");
    expect(noTrust).toMatchObject({ exitCode: 2, stdout: "" });
    expect(noTrust.stderr).toContain("trust.json: signers is missing");
    expect((await run("{}", undefined, { jobFile: "/nowhere/job.json" })).exitCode).toBe(2);
    expect((await run("{}", undefined, { nowSeconds: Number.NaN })).exitCode).toBe(2);
  });
});

describe("job files", () => {
  it("come back as the job they were written from", async () => {
    const job = await signedJob([alice, bob], { maxAttempts: 2, envVars: new Map([["__proto__", "x"]]) });
    const read = readJobFile(writeJobFile(job));
    expect(read.ok && read.job).toEqual(job);
  });
});
