/** Keys, signatures and completion from the shell: real processes, files, no Redis. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { program } from "../src/options.ts";
import { herojob } from "./support/herojob.ts";

const runFile = promisify(execFile);
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "herojob-keys-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (args: readonly string[], input?: string): ReturnType<typeof herojob> =>
  herojob(args, { cwd: folder, ...(input === undefined ? {} : { input }) });
const file = (name: string): string => join(folder, name);

test("two of three sign a job, and that is enough; one alone is not, and a changed job is none", async () => {
  const signers: unknown[] = [];
  for (const name of ["alice", "bob", "carol"]) {
    const { code, stdout } = await run(["keygen", "--name", name, "--out", `${name}.key`]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^0[23][0-9a-f]{64}\n$/);
    expect((await stat(file(`${name}.key`))).mode & 0o777).toBe(0o600);
    signers.push({ name, public_key: stdout.trim() });
  }
  await writeFile(file("trust.json"), JSON.stringify({ audience: "prod", threshold: 2, signers }));
  await writeFile(file("job.json"), JSON.stringify({ runner: "web-1", payload: "print('deploy')" }));

  const first = await run([
    "sign",
    "job.json",
    "--key",
    "alice.key",
    "--audience",
    "prod",
    "--expires-in",
    "600",
  ]);
  expect(first.code).toBe(0);
  const signed = JSON.parse(first.stdout) as Record<string, number>;
  expect(signed).toMatchObject({
    runner: "web-1",
    caller_id: "alice",
    context_id: "default",
    audience: "prod",
    timeout: 60,
  });
  expect((signed["expires_at"] ?? 0) - (signed["created_at"] ?? 0)).toBe(600);
  const alone = await run(["verify", "-", "--trust", "trust.json"], first.stdout);
  expect(alone.code).toBe(1);
  expect(alone.stdout).toContain("FAIL threshold: 1 of 2 signers count\n");

  const second = await run(["cosign", "-", "--key", "carol.key"], first.stdout);
  await writeFile(file("both.json"), second.stdout);
  const both = await run(["verify", "both.json", "--trust", "trust.json", "--json"]);
  expect([both.code, JSON.parse(both.stdout)]).toMatchObject([
    0,
    { valid: true, signers: ["alice", "carol"] },
  ]);
  const again = await run(["cosign", "both.json", "--key", "carol.key"]);
  expect([again.code, again.stdout]).toEqual([0, second.stdout]);
  expect(again.stderr).toContain("carol has signed this job before; nothing was added");

  const changed = second.stdout.replace("deploy", "destroy");
  expect((await run(["verify", "-", "--trust", "trust.json"], changed)).stdout).toContain("FAIL signature-1");
  expect(await run(["cosign", "-", "--key", "bob.key"], changed)).toMatchObject({ code: 2, stdout: "" });
  expect((await run(["sign", "both.json", "--key", "bob.key"])).stderr).toContain(
    "add a signature with herojob cosign",
  );
  const overruled = await run(["submit", "both.json", "--timeout", "5"]);
  expect([overruled.code, overruled.stderr]).toEqual([
    2,
    "herojob: the job is signed and its timeout cannot be changed; change the unsigned job and sign that\n",
  ]);
});

test("verify does not call the script fine where its signer is limited: it says that nobody has looked", async () => {
  const { stdout: publicKey } = await run(["keygen", "--name", "dan", "--out", "dan.key"]);
  const dan = { name: "dan", public_key: publicKey.trim(), actions: ["git.*"] };
  await writeFile(file("limited.json"), JSON.stringify({ signers: [dan] }));
  await writeFile(
    file("job.json"),
    JSON.stringify({ runner: "web-1", payload: "!!docker.ps", env_vars: { A: "1" } }),
  );
  const { stdout: signed } = await run(["sign", "job.json", "--key", "dan.key"]);
  const told = await run(["verify", "-", "--trust", "limited.json"], signed);
  expect(told.code).toBe(0);
  expect(told.stdout).not.toContain("ok actions");
  expect(told.stdout).toMatch(/^\? actions: not checked: .*git\.\*[^]*^\? env_vars: not checked: /m);
  const json = await run(["verify", "-", "--trust", "limited.json", "--json"], signed);
  expect(JSON.parse(json.stdout)).toMatchObject({
    unchecked: [{ name: "actions" }, { name: "env_vars" }],
  });
});

test("a key file is never overwritten, and one that others can read is not used", async () => {
  await run(["keygen", "--name", "dora", "--out", "dora.key"]);
  const before = await readFile(file("dora.key"), "utf8");
  const again = await run(["keygen", "--name", "dora", "--out", "dora.key"]);
  expect([again.code, again.stdout]).toEqual([2, ""]);
  expect(again.stderr).toContain("is never overwritten");
  expect(await readFile(file("dora.key"), "utf8")).toBe(before);
  await writeFile(file("open.key"), before, { mode: 0o644 });
  await writeFile(file("one.json"), JSON.stringify({ runner: "r", payload: "x" }));
  expect((await run(["sign", "one.json", "--key", "open.key"])).stderr).toContain("chmod 600 open.key");
});

test("a job without a runner is signed once it is named", async () => {
  await writeFile(file("open.json"), JSON.stringify({ payload: "x" }));
  await run(["keygen", "--name", "eve", "--out", "eve.key"]);
  expect((await run(["sign", "open.json", "--key", "eve.key"])).stderr).toContain("add --runner RUNNER");
  const { stdout } = await run(["sign", "open.json", "--key", "eve.key", "--runner", "db-1"]);
  expect(JSON.parse(stdout)).toMatchObject({ runner: "db-1", caller_id: "eve" });
  expect(
    (await run(["sign", "-", "--key", "eve.key", "--runner", "x"], '{"runner":"y","payload":"x"}')).code,
  ).toBe(2);
});

test("a receipt file is checked: its signature, its key, its job", async () => {
  const { generateKey, jobDigest, readJobFile, receiptStatement, signReceipt } =
    await import("@herorunner/job/trust");
  const { finished } = await import("@herorunner/job");
  const text = JSON.stringify({ id: "42", runner: "web-1", payload: "print hi" });
  const read = readJobFile(text);
  if (!read.ok) throw new Error(read.message);
  const key = generateKey("web-1");
  const facts = { outcome: finished("hi\n"), attempt: 1, startedAtMs: 1, finishedAtMs: 2, signers: [] };
  const receipt = await signReceipt(receiptStatement(read.job, facts), key);
  expect(receipt).toContain(jobDigest(read.job));
  await writeFile(file("receipt.json"), receipt);
  await writeFile(file("asked.json"), text);
  await writeFile(file("other.json"), JSON.stringify({ id: "42", runner: "web-1", payload: "print ho" }));

  const good = await run([
    "receipt",
    "verify",
    "receipt.json",
    "--public-key",
    key.publicKey,
    "--job",
    "asked.json",
  ]);
  expect(good).toEqual({
    code: 0,
    stdout: `ok signature: of ${key.publicKey}\nok key: is one that you named\nok job: is the one in the file\n`,
    stderr: "",
  });
  const strange = generateKey("other").publicKey;
  const bad = await run(
    ["receipt", "verify", "-", "--public-key", strange, "--job", "other.json", "--json"],
    receipt,
  );
  expect([bad.code, JSON.parse(bad.stdout)]).toMatchObject([
    1,
    {
      valid: false,
      checks: [
        { name: "signature", ok: true },
        { name: "key", ok: false },
        { name: "job", ok: false },
      ],
    },
  ]);
  const forged = await run(["receipt", "verify", "-"], receipt.replace('"finished"', '"error"'));
  expect([forged.code, forged.stdout]).toMatchObject([
    1,
    /^FAIL signature/.exec(forged.stdout) ? forged.stdout : "",
  ]);
  expect((await run(["receipt", "verify", "receipt.json"])).stderr).toContain(
    "name the runner's with --public-key HEX",
  );
});

test("bash completes commands, flags, words and files", async () => {
  const { stdout: script } = await run(["completion", "bash"]);
  await writeFile(file("completion.bash"), script);
  const complete = async (...words: string[]): Promise<string[]> => {
    const typed = words.map((word) => `'${word}'`).join(" ");
    const source = `source completion.bash; COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _herojob; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await runFile("bash", ["--norc", "-c", source], { cwd: folder });
    return stdout.split("\n").filter((line) => line !== "");
  };
  expect(await complete("herojob", "s")).toEqual(["submit", "status", "sign"]);
  expect(await complete("herojob", "submit", "--wa")).toEqual(["--wait", "--wait-timeout"]);
  expect(await complete("herojob", "list", "--status", "f")).toEqual(["finished"]);
  expect(await complete("herojob", "completion", "")).toEqual(["bash", "zsh", "fish"]);
  await writeFile(file("deploy.hero"), "");
  expect(await complete("herojob", "submit", "dep")).toEqual(["deploy.hero"]);
  expect(await complete("herojob", "submit", "--key", "completion.b")).toEqual(["completion.bash"]);
  expect(await complete("herojob", "status", "")).toEqual([]);
});

test.each(["bash", "zsh", "fish"])(
  "the completion of %s knows every command and every flag",
  async (shell) => {
    const { code, stdout } = await run(["completion", shell]);
    expect(code).toBe(0);
    for (const [name, { options }] of Object.entries(program.commands)) {
      expect(stdout).toContain(name);
      const flags = Object.values(options).map(({ flag }) => flag);
      expect(flags.filter((flag) => !new RegExp(`(--|-l )${flag}\\b`).test(stdout))).toEqual([]);
    }
  },
);

test.each([
  [["--audience", "prod"], { audience: "lab" }, "--audience is prod, but the job names lab"],
  [["--expires-in", "60"], { created_at: 1000, expires_at: 5000 }, "--expires-in is 60, but the job states"],
])("%s is refused where the job says otherwise: %j", async (flags, stated, problem) => {
  await run(["keygen", "--name", "finn", "--out", "finn.key"]);
  const job = JSON.stringify({ runner: "r", payload: "x", ...stated });
  const refused = await run(["sign", "-", "--key", "finn.key", ...flags], job);
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain(problem);
});

test("flags that say the same as the job are no contradiction", async () => {
  await run(["keygen", "--name", "gina", "--out", "gina.key"]);
  const stated = { runner: "r", payload: "x", audience: "lab", created_at: 1000, expires_at: 1060 };
  const flags = ["--audience", "lab", "--expires-in", "60"];
  const signed = await run(["sign", "-", "--key", "gina.key", ...flags], JSON.stringify(stated));
  expect([signed.code, JSON.parse(signed.stdout)]).toMatchObject([0, stated]);
});

test("variables of the environment are for jobs that do not say it themselves", async () => {
  await run(["keygen", "--name", "hugo", "--out", "hugo.key"]);
  const env = { HEROJOB_AUDIENCE: "prod", HEROJOB_EXPIRES_IN: "60" };
  const signed = async (stated: object): Promise<unknown> => {
    const input = JSON.stringify({ runner: "r", payload: "x", created_at: 1000, ...stated });
    const { stdout } = await herojob(["sign", "-", "--key", "hugo.key"], { cwd: folder, input, env });
    return JSON.parse(stdout);
  };
  expect(await signed({})).toMatchObject({ audience: "prod", expires_at: 1060 });
  const stated = { audience: "lab", expires_at: 5000 };
  expect(await signed(stated)).toMatchObject(stated);
});
