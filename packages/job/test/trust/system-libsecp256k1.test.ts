/** The addon in C. A fault in it ends the process of the test, which is a failed test. CONTRIBUTING.md has it with sanitizers. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { nativeBuild } from "../../../../test/support/native-build.ts";
import { needSystemLibsecp256k1 } from "../../../../test/support/system-libsecp256k1.ts";
import { checkWithLibsecp256k1 } from "../../src/trust/libsecp256k1.ts";
import { signBytes } from "../../src/trust/signature.ts";
import { NoSystemLibrary, openSystemLibsecp256k1 } from "../../src/trust/system-libsecp256k1.ts";
import { alice } from "./fixtures.ts";

await needSystemLibsecp256k1();
const library = openSystemLibsecp256k1();

const message = Buffer.from("any bytes");
const digest = createHash("sha256").update(message).digest();
const signature = Buffer.from(await signBytes(message, alice.secretKey), "hex");
const key = Buffer.from(alice.publicKey, "hex");
const point = library.parse(key)!;

describe("the addon", () => {
  it("knows a right signature from the same over something else", () => {
    expect(library.verify(digest, signature, point)).toBe(true);
    expect(library.verify(createHash("sha256").update("other").digest(), signature, point)).toBe(false);
  });

  it("says which library it found", () => {
    expect(library.name).toMatch(/^libsecp256k1\.so\.\d of this system$/);
  });

  it("has no point for bytes that are none", () => {
    const offCurve = Buffer.from(`02${"0".repeat(63)}5`, "hex");
    for (const bytes of [Buffer.alloc(33), Buffer.alloc(33, 255), offCurve])
      expect(library.parse(bytes)).toBeUndefined();
  });

  it("takes bytes from wherever they lie", () => {
    const shifted = (bytes: Uint8Array): Uint8Array => {
      const all = new Uint8Array(bytes.length + 7);
      all.set(bytes, 3);
      return all.subarray(3, 3 + bytes.length);
    };
    const shared = (bytes: Uint8Array): Uint8Array => {
      const all = new Uint8Array(new SharedArrayBuffer(bytes.length));
      all.set(bytes);
      return all;
    };
    for (const placed of [shifted, shared, (bytes: Uint8Array) => Uint8Array.from(bytes)]) {
      expect(library.parse(placed(key))).toEqual(point);
      expect(library.verify(placed(digest), placed(signature), placed(point))).toBe(true);
    }
  });

  it("is used by several threads at once", async () => {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      const { addon, digest, signature, key } = workerData;
      const { parse, verify } = require(addon);
      let right = 0;
      for (let at = 0; at < 200; at += 1) if (verify(digest, signature, parse(key))) right += 1;
      parentPort.postMessage(right);`;
    const workerData = { addon: nativeBuild("signature-check"), digest, signature, key };
    const answers = Array.from({ length: 3 }, () => {
      const worker = new Worker(code, { eval: true, workerData });
      return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    });
    expect(await Promise.all(answers)).toEqual([200, 200, 200]);
  });
});

describe("what is no Uint8Array of the right length", () => {
  const calls: readonly [what: string, length: number, call: (given: never) => unknown][] = [
    ["key", 33, (given) => library.parse(given)],
    ["digest", 32, (given) => library.verify(given, signature, point)],
    ["signature", 64, (given) => library.verify(digest, given, point)],
    ["point", 64, (given) => library.verify(digest, signature, given)],
  ];

  it.each(calls)("is thrown back as a %s", (what, length, call) => {
    const detached = new Uint8Array(length);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const lengths = [0, 1, length - 1, length + 1, 2 * length, 65_536].map((bytes) => Buffer.alloc(bytes, 1));
    const others = [
      undefined,
      null,
      length,
      "1".repeat(length),
      {},
      { length },
      Array(length).fill(1),
      detached,
    ];
    const arrays = [new Uint16Array(length), new Int8Array(length), new Uint8ClampedArray(length)];
    const views = [
      new ArrayBuffer(length),
      new DataView(new ArrayBuffer(length)),
      new SharedArrayBuffer(length),
    ];
    for (const given of [...lengths, ...others, ...arrays, ...views]) {
      const problem = new RangeError(`the ${what} is not a Uint8Array of ${length} bytes`);
      expect(() => call(given as never)).toThrow(problem);
    }
    expect(library.verify(digest, signature, point)).toBe(true);
  });

  it("is thrown back when it is missing", () => {
    for (const name of ["parse", "verify"] as const)
      expect(() => Reflect.apply(library[name], undefined, [])).toThrow(RangeError);
  });
});

describe("bytes of the right length", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

  it("are never right by chance, and never end the process", () => {
    const some = fc.record({
      key: bytes(33),
      digest: bytes(32),
      signature: fc.oneof(bytes(64), fc.constant(signature), fc.constant(Buffer.alloc(64, 255))),
      point: fc.oneof(bytes(64), fc.constant(point), fc.constant(Buffer.alloc(64, 255))),
    });
    fc.assert(
      fc.property(some, (given) => {
        library.parse(given.key);
        expect(library.verify(given.digest, given.signature, given.point)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it("are thrown back where the library would end the process: a point that was never parsed", () => {
    const halfZero = Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 1)]);
    for (const never of [Buffer.alloc(64), halfZero])
      expect(() => library.verify(digest, signature, never)).toThrow("the point is not one that was parsed");
  });
});

describe("an addon that cannot be loaded", () => {
  it.each([
    ["is not there", undefined],
    ["is no library", "not a library\n"],
    ["is empty", ""],
  ])("because it %s is said to be missing", (_why, content) => {
    const folder = mkdtempSync(join(tmpdir(), "herorunner-addon-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const addon = join(folder, "signature-check.node");
    if (content !== undefined) writeFileSync(addon, content);
    const open = (): unknown => openSystemLibsecp256k1(addon);
    expect(open).toThrow(NoSystemLibrary);
    expect(open).toThrow(expect.objectContaining({ missing: "addon" }));
  });
});

it("a library that misjudges is not used", () => {
  for (const verdict of [true, false]) {
    const lying = { name: "liar", parse: () => point, verify: () => verdict };
    expect(() => checkWithLibsecp256k1(lying)).toThrow("liar misjudged a known signature");
  }
});
