/** What herorunner doctor says of the check of signatures. */
import { expect, test } from "vitest";
import { needSystemLibsecp256k1 } from "../../../test/support/system-libsecp256k1.ts";
import { signatureCheckFinding, trySignatureCheck } from "../src/doctor/signature-check.ts";

await needSystemLibsecp256k1();

test("where the library is installed, it is what is used", async () => {
  expect(await trySignatureCheck("auto")).toMatchObject({
    ...{ name: "signature check", ok: true },
    sentence: expect.stringMatching(/^libsecp256k1\.so\.\d of this system$/),
  });
});

test.each([
  ["wasm", "libsecp256k1 as WebAssembly, as --signature-check says"],
  ["openssl", "OpenSSL, as --signature-check says"],
] as const)("%s is fine for who asked for it", async (wish, sentence) => {
  expect(await trySignatureCheck(wish)).toMatchObject({ ok: true, sentence });
});

const wasm = { by: "wasm", name: "libsecp256k1 as WebAssembly" } as const;

test("WebAssembly because the library is not installed is a note, with what to type", () => {
  const passedBy = [{ by: "system", why: "libsecp256k1 is not installed", missing: "library" }] as const;
  expect(signatureCheckFinding("auto", { ...wasm, passedBy })).toMatchObject({
    ...{ ok: false, severity: "note" },
    sentence: expect.stringMatching(/WebAssembly.*three times.*: libsecp256k1 is not installed$/),
    fix: expect.stringMatching(/^apt-get install '\^libsecp256k1-\[0-9\]\+\$'; see .*docs\/operations\.md$/),
  });
});

test.each([
  ["that cannot be used", { by: "system", why: "no addon", missing: "addon" }, /^build the addon;/],
  [
    "that Node may not load",
    { by: "system", why: "Node is told to load none (--no-addons, or …)" },
    /^start Node without --no-addons/,
  ],
  ["of a library that misjudges", { by: "system", why: "misjudged" }, /^install another libsecp256k1;/],
] as const)("WebAssembly because of an addon %s has another next step", (_what, passedBy, fix) => {
  expect(signatureCheckFinding("auto", { ...wasm, passedBy: [passedBy] }).fix).toMatch(fix);
});

test("OpenSSL for want of anything else is a warning", () => {
  const passedBy = [{ by: "wasm", why: "WebAssembly is not defined" }] as const;
  expect(signatureCheckFinding("wasm", { by: "openssl", name: "OpenSSL", passedBy })).toMatchObject({
    ...{ ok: false, severity: "warn", sentence: expect.stringMatching(/seven times/) },
    fix: expect.stringMatching(/^leave out --signature-check;/),
  });
});
