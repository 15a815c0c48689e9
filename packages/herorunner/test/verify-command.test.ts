/** herorunner verify: what a runner would refuse after the signatures, too. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, readJobFile, signJob, writeJobFile } from "@herorunner/job/trust";
import { expect, onTestFinished, test } from "vitest";
import { verifyCommand } from "../src/verify-command.ts";

const nowSeconds = 1_800_000_000;
const alice = generateKey("alice");

async function verify(
  fields: { payload?: string; env_vars?: Record<string, string> },
  { limits = {}, envAllow = [] }: { limits?: object; envAllow?: readonly string[] } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-verify-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [jobFile, trustFile] = [join(folder, "job.json"), join(folder, "trust.json")];
  const job = readJobFile(JSON.stringify({ id: "1", runner: "web-1", payload: "print('x')", ...fields }));
  if (!job.ok) throw new Error(job.message);
  await writeFile(jobFile, writeJobFile(await signJob(job.job, alice, { nowSeconds })));
  const signer = { name: "alice", public_key: alice.publicKey, ...limits };
  await writeFile(trustFile, JSON.stringify({ signers: [signer] }));
  return verifyCommand({ jobFile, trustFile, nowSeconds, envAllow });
}

test("a job that a runner would take passes, and nothing is left unchecked", async () => {
  const fields = { payload: "!!git.status\n", env_vars: { MINE: "1" } };
  const answer = await verify(fields, { limits: { actions: ["git.*"] } });
  expect(answer).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^ok actions\nok env_vars\n$/m),
  });
});

test("a script that asks for what its signers may not use does not", async () => {
  const answer = await verify({ payload: "!!docker.ps\n" }, { limits: { actions: ["git.*"] } });
  expect(answer).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^FAIL actions: .*docker\.ps/m),
  });
});

test("a name that the runner refuses does not, unless --env-allow or its signers open it", async () => {
  const fields = { env_vars: { PATH: "/tmp" } };
  const refused = await verify(fields);
  expect(refused).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^FAIL env_vars: a job may not set PATH: /m),
  });
  expect((await verify(fields, { envAllow: ["PATH"] })).exitCode).toBe(0);
  expect((await verify(fields, { limits: { env_unsafe: true } })).exitCode).toBe(0);
});

test("a list of --env-allow that no runner takes is a usage error", async () => {
  expect(await verify({}, { envAllow: ["LD_PRELOAD"] })).toMatchObject({
    ...{
      exitCode: 2,
      stdout: "",
      stderr: expect.stringMatching(/^--env-allow: LD_PRELOAD loads foreign code/),
    },
  });
});
