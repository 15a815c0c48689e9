/** Which way of checking signatures a process takes, each in a process of its own: what was loaded stays loaded. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileLibrary, needSystemLibsecp256k1 } from "../../../../test/support/system-libsecp256k1.ts";
import type { LoadedSignatureCheck } from "../../src/trust/load-signature-check.ts";

const program = fileURLToPath(new URL("tell-signature-check.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "herorunner-check-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(needSystemLibsecp256k1, 120_000);

interface Way {
  readonly wish?: string;
  /** Where libraries are looked for before the system's own. */
  readonly libraries?: string;
  readonly flags?: readonly string[];
}

async function told({
  wish = "auto",
  libraries,
  flags = [],
}: Way): Promise<Omit<LoadedSignatureCheck, "check">> {
  const env = { ...process.env, ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }) };
  const args = [...flags, "-C", "@herorunner/source", "--import", "tsx", program, wish];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Omit<LoadedSignatureCheck, "check">;
}

/** A folder with a library of each of these names. */
async function falseLibrary(name: string, sonames: readonly string[], code: string): Promise<string> {
  const libraries = join(folder, name);
  mkdirSync(libraries);
  for (const soname of sonames) await compileLibrary(join(libraries, soname), code);
  return libraries;
}

const sonames = [6, 5, 2, 1, 0].map((number) => `libsecp256k1.so.${number}`);
const sayingAlways = (verdict: 0 | 1): string => `
  int secp256k1_ec_pubkey_parse(void *context, unsigned char *point) { point[0] = 1; return 1; }
  int secp256k1_ecdsa_signature_parse_compact(void) { return 1; }
  int secp256k1_ecdsa_verify(void) { return ${verdict}; }
  void *secp256k1_context_create(void) { return (void *)secp256k1_ecdsa_verify; }`;

const system = { by: "system", name: expect.stringMatching(/^libsecp256k1\.so\.\d of this system$/) };
const wasm = { by: "wasm", name: "libsecp256k1 as WebAssembly" };
const openssl = { by: "openssl", name: "OpenSSL" };

/** All of it but addons; the compiler of TypeScript that these tests start needs the rest. */
const permissions = [
  process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission",
  ...["--allow-fs-read=*", "--allow-fs-write=*", "--allow-child-process", "--allow-worker", "--no-warnings"],
];

describe("signatures are checked by", () => {
  it("the system's libsecp256k1", async () => {
    expect(await told({})).toEqual({ ...system, passedBy: [] });
  });

  it("that one without WebAssembly being there at all", async () => {
    expect(await told({ flags: ["--jitless"] })).toEqual({ ...system, passedBy: [] });
  });

  it("what was asked for, and nothing is said of the others", async () => {
    expect(await told({ wish: "wasm" })).toEqual({ ...wasm, passedBy: [] });
    expect(await told({ wish: "openssl" })).toEqual({ ...openssl, passedBy: [] });
  });

  it("WebAssembly where no library has what is needed", async () => {
    const libraries = await falseLibrary("empty", sonames, "int nothing;");
    const passedBy = [{ by: "system", why: "libsecp256k1 is not installed", missing: "library" }];
    expect(await told({ libraries })).toEqual({ ...wasm, passedBy });
  });

  it("an older library where the newest has not what is needed", async () => {
    const libraries = await falseLibrary("newest-empty", sonames.slice(0, 1), "int nothing;");
    expect(await told({ libraries })).toEqual({ ...system, passedBy: [] });
  });

  it.each([
    ["takes every signature for right", 1],
    ["takes every signature for wrong", 0],
  ] as const)("WebAssembly where the library %s", async (_what, verdict) => {
    const libraries = await falseLibrary(`says-${verdict}`, sonames.slice(0, 1), sayingAlways(verdict));
    const why = "libsecp256k1.so.6 of this system misjudged a known signature";
    expect(await told({ libraries })).toEqual({ ...wasm, passedBy: [{ by: "system", why }] });
  });

  it("WebAssembly where the library has no context to give", async () => {
    const code = sayingAlways(1).replace("return (void *)secp256k1_ecdsa_verify", "return 0");
    const libraries = await falseLibrary("no-context", sonames, code);
    expect(await told({ libraries })).toMatchObject({ ...wasm, passedBy: [{ missing: "library" }] });
  });

  it.each([
    ["", ["--no-addons"]],
    [" by the permission model", permissions],
  ])("WebAssembly where addons are forbidden%s, and nothing is said to be missing", async (_how, flags) => {
    expect(await told({ flags })).toEqual({
      ...wasm,
      passedBy: [{ by: "system", why: expect.stringMatching(/addon .* cannot be used: .*--no-addons/) }],
    });
  });

  it("OpenSSL where there is neither", async () => {
    expect(await told({ flags: ["--no-addons", "--jitless"] })).toMatchObject({
      ...openssl,
      passedBy: [{ by: "system" }, { by: "wasm" }],
    });
  });
});
