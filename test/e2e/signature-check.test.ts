/** What checks the signatures of a running runner, and when it is chosen. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { endToEnd } from "../support/e2e.ts";
import { compileLibrary, needSystemLibsecp256k1 } from "../support/system-libsecp256k1.ts";

const e2e = endToEnd();
beforeAll(needSystemLibsecp256k1, 120_000);

const publicKey = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-e2e-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A trust file with one signer. */
async function trustFile(): Promise<string> {
  const file = join(await temporaryFolder(), "trust.json");
  await writeFile(file, JSON.stringify({ signers: [{ name: "alice", public_key: publicKey }] }));
  return file;
}

test("a library that ends the process when it is opened ends a start, and no job was taken", async () => {
  const libraries = join(await temporaryFolder(), "libraries");
  await mkdir(libraries);
  const code = `
    #include <stdlib.h>
    int secp256k1_ec_pubkey_parse(void) { return 0; }
    int secp256k1_ecdsa_signature_parse_compact(void) { return 0; }
    int secp256k1_ecdsa_verify(void) { return 0; }
    void *secp256k1_context_create(void) { abort(); }`;
  for (const number of [6, 5, 2, 1, 0])
    await compileLibrary(join(libraries, `libsecp256k1.so.${number}`), code);
  const runner = e2e.newRunner();
  await e2e.redis.submit(runner, "1", { payload: "print(1)" });
  const options = { env: { LD_LIBRARY_PATH: libraries }, waitForStart: false };
  const daemon = await e2e.start(runner, ["--trust", await trustFile()], options);
  expect(await daemon.exited).toBe("SIGABRT");
  expect(await e2e.redis.call("LLEN", `hero:{${runner}}:queue`)).toBe(1);
  expect(await e2e.redis.job(runner, "1")).not.toHaveProperty("claims");
});

test("--signature-check wasm passes the system's library by, good or bad", async () => {
  const daemon = await e2e.start(e2e.newRunner(), [
    ...["--trust", await trustFile()],
    ...["--signature-check", "wasm"],
  ]);
  await daemon.logged("signatures are checked by libsecp256k1 as WebAssembly");
});

test("without signatures nothing is opened", async () => {
  const runner = e2e.newRunner();
  const daemon = await e2e.start(runner);
  await e2e.redis.submit(runner, "1", { payload: "print(1)" });
  await e2e.redis.final(runner, "1");
  expect(daemon.stdout()).not.toContain("signatures are checked by");
});
