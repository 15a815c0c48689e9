/** The examples for people who submit jobs: run as their first lines say, against a runner that checks signatures. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyFile, createTrust, parseTrustFile } from "@herorunner/job/trust";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { debianPython, needPythonPackages } from "../support/debian-python.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ScriptedRunner, startScriptedRunner } from "../support/scripted-runner.ts";

let redis: RedisServer;
let open: ScriptedRunner;
let strict: ScriptedRunner;
let keyFile: string;

beforeAll(async () => {
  redis = await startRedis();
  keyFile = join(redis.folder, "alice.key");
  const { publicKey } = await generateKeyFile(keyFile, "alice");
  const parsed = parseTrustFile(JSON.stringify({ signers: [{ name: "alice", public_key: publicKey }] }));
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const trust = createTrust({ mode: "required", file: parsed.trust, runner: "strict" });
  open = startScriptedRunner({ url: redis.url, runnerId: "open" });
  strict = startScriptedRunner({ url: redis.url, runnerId: "strict", trust: () => trust });
});
afterAll(async () => {
  await Promise.all([open.stop(), strict.stop()]);
  await redis.stop();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], REDIS_URL: redis.url };
  return new Promise((resolve) => {
    execFile(file, args, { cwd: repositoryRoot, env }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      });
    });
  });
}

const typescript = (name: string, ...args: string[]): Promise<Ended> =>
  run(process.execPath, [
    "--import",
    "tsx",
    "--conditions=@herorunner/source",
    `examples/${name}.ts`,
    ...args,
  ]);

describe("examples/submit-and-wait.ts", () => {
  test("prints the result, and the output as it comes beside it", async () => {
    const ended = await typescript("submit-and-wait", "open", "print hello\nwarn careful");
    expect(ended).toEqual({ code: 0, stdout: "hello\n", stderr: "out: hello\nerr: careful\n" });
  });

  test("tells why a job failed", async () => {
    const { code, stderr } = await typescript("submit-and-wait", "open", "fail 3");
    expect(code).toBe(1);
    expect(stderr).toContain("ended as exit_status: scripted ended with exit code 3");
  });
});

test("examples/signed-job.ts is run by a runner that runs signed jobs only", async () => {
  const ended = await typescript("signed-job", keyFile, "strict", "print signed");
  expect(ended).toEqual({ code: 0, stdout: "signed\n", stderr: "finished, signed by alice\n" });
  const unsigned = await typescript("submit-and-wait", "strict", "print unsigned");
  expect(unsigned.stderr).toContain("ended as unsigned");
});

describe("examples/python/submit.py", () => {
  beforeAll(
    () => needPythonPackages({ "python3-redis": "redis", "python3-cryptography": "cryptography" }),
    180_000,
  );
  const script = join(repositoryRoot, "examples", "python", "submit.py");
  const python = (...args: string[]): Promise<Ended> =>
    run(debianPython, [script, "--redis", redis.url, ...args]);

  test("submits, waits, and ends as the job did", async () => {
    expect(await python("--runner", "open", "print hello")).toEqual({
      code: 0,
      stdout: "hello\n",
      stderr: "",
    });
    expect(await python("--runner", "open", "--env", "A=b=c", "env A")).toMatchObject({ stdout: "b=c\n" });
    const failed = await python("--runner", "open", "print part\nfail 3");
    expect(failed).toMatchObject({ code: 1, stdout: "part\n" });
    expect(failed.stderr).toBe("exit_status: scripted ended with exit code 3\n");
    expect(await python("--runner", "nobody", "--wait", "0.3", "print x")).toMatchObject({ code: 124 });
    expect(await python("--runner", "no body", "print x")).toMatchObject({ code: 2 });
  });

  test("signs what a runner accepts that runs signed jobs only, whatever is in it", async () => {
    const payload = "env Ä\nprint Grüße: 3:abc, \u{1f600}";
    const odd = ["--env", "B=2", "--env", "A=1:2,ü", "--env", "a="];
    const { code, stdout } = await python("--runner", "strict", "--key", keyFile, ...odd, payload);
    expect([code, stdout]).toEqual([0, "not set\nGrüße: 3:abc, \u{1f600}\n"]);
    expect(await python("--runner", "strict", "print x")).toMatchObject({ code: 1, stdout: "" });
  });

  test("signs the very bytes of the published vectors", async () => {
    const vectorFile = join(repositoryRoot, "test", "conformance", "data", "signature-vectors.json");
    const { vectors } = JSON.parse(await readFile(vectorFile, "utf8")) as {
      vectors: { id: string; scheme: string; expect: string; job: unknown; canonical_hex?: string }[];
    };
    const told = vectors.filter(
      ({ scheme, expect, canonical_hex }) => scheme === "v2" && expect === "valid" && canonical_hex,
    );
    expect(told.length).toBeGreaterThan(10);
    const jobs = join(redis.folder, "jobs.json");
    await writeFile(jobs, JSON.stringify(told.map(({ job }) => job)));
    const code = `import json, sys; sys.path.insert(0, "examples/python"); sys.dont_write_bytecode = True; import submit
for job in json.load(open(${JSON.stringify(jobs)})): print(submit.signed_bytes(job).hex())`;
    const { stdout, stderr } = await run(debianPython, ["-c", code]);
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n")).toEqual(told.map(({ canonical_hex }) => canonical_hex));
  });
});
