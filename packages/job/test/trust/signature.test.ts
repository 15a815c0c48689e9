import { createHash, randomBytes } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkSignaturesWith,
  checkWithOpenssl,
  encodingFault,
  publicKeyOf,
  readPublicKey,
  signatureFault,
  signBytes,
} from "../../src/trust/signature.ts";
import { alice } from "./fixtures.ts";
import { signatureChecks } from "./signature-checks.ts";

const n = secp256k1.Point.CURVE().n;
const p = secp256k1.Point.CURVE().p;
const G = secp256k1.Point.BASE;
const message = Buffer.from("any bytes");

const mod = (value: bigint, modulus = n): bigint => ((value % modulus) + modulus) % modulus;
const hex32 = (value: bigint): string => value.toString(16).padStart(64, "0");
const inverse = (value: bigint): bigint => secp256k1.Point.Fn.inv(mod(value));
const digestNumber = (bytes: Uint8Array): bigint =>
  BigInt(`0x${createHash("sha256").update(bytes).digest("hex")}`);
const lowS = (s: bigint): bigint => (s > n / 2n ? n - s : s);

function fault(r: bigint, s: bigint, publicKeyHex: string): string | undefined {
  const key = readPublicKey(publicKeyHex);
  if (key === undefined) return "BAD_PUBLIC_KEY";
  return signatureFault(message, hex32(r) + hex32(s), key);
}

describe.each(await signatureChecks())("with $name", ({ check }) => {
  beforeAll(() => checkSignaturesWith(check));
  afterAll(() => checkSignaturesWith(checkWithOpenssl));

  describe("signatureFault at the edges of the curve", () => {
    const key = alice.publicKey;

    it.each([
      ["r = 0", 0n, 1n],
      ["s = 0", 1n, 0n],
      ["r = n", n, 1n],
      ["s = n", 1n, n],
      ["r = p", p, 1n],
      ["r = n + 1", n + 1n, 1n],
      ["s = n + 1", 1n, n + 1n],
      ["both are 2²⁵⁶ − 1", 2n ** 256n - 1n, 2n ** 256n - 1n],
      ["both are 1", 1n, 1n],
      ["r = n − 1, s = 1", n - 1n, 1n],
      ["s = (n − 1) / 2", 1n, (n - 1n) / 2n],
    ])("refuses %s", (_name, r, s) => {
      expect(fault(r, s, key)).toBe("BAD_SIGNATURE");
    });

    it("draws the line of low s exactly between (n − 1) / 2 and the next number", () => {
      expect(encodingFault(hex32(1n) + hex32((n - 1n) / 2n))).toBeUndefined();
      expect(encodingFault(hex32(1n) + hex32((n + 1n) / 2n))).toBe("HIGH_S");
      expect(encodingFault(hex32(1n) + hex32(n - 1n))).toBe("HIGH_S");
    });

    it("refuses a signature whose sum is the point at infinity, for any s", () => {
      // u1·G + u2·Q = O when the secret key is −e/r.
      const [e, r] = [digestNumber(message), 12345n];
      const Q = G.multiply(mod(-e * inverse(r))).toHex(true);
      for (const s of [1n, 2n, 12345n, (n - 1n) / 2n]) expect(fault(r, s, Q)).toBe("BAD_SIGNATURE");
    });

    it("accepts a true signature whose sum is the doubling of one point", () => {
      // e = r·d, so u1·G and u2·Q are the same point.
      const [e, k] = [digestNumber(message), 987654321n];
      const r = mod(G.multiply(k).toAffine().x);
      const Q = G.multiply(mod(e * inverse(r))).toHex(true);
      expect(fault(r, lowS(mod(2n * e * inverse(k))), Q)).toBeUndefined();
    });

    it("accepts a true signature whose point has an x beyond n, and refuses its r before reduction", () => {
      let x = n + 1n;
      let R: typeof G | undefined;
      for (; R === undefined; x += 1n) {
        try {
          R = secp256k1.Point.fromHex(`02${hex32(x)}`);
        } catch {
          continue;
        }
      }
      const r = mod(R.toAffine().x);
      const s = 7n;
      const e = digestNumber(message);
      const Q = R.multiply(s).subtract(G.multiply(e)).multiply(inverse(r)).toHex(true);
      expect(fault(r, s, Q)).toBeUndefined();
      expect(fault(r + n, s, Q)).toBe("BAD_SIGNATURE");
    });

    it("works with the smallest and the largest secret keys", async () => {
      for (const d of [1n, 2n, n - 1n]) {
        const signature = await signBytes(message, hex32(d));
        const key = readPublicKey(publicKeyOf(hex32(d)) ?? "");
        expect(key && signatureFault(message, signature, key)).toBeUndefined();
      }
      for (const d of [0n, n, 2n ** 256n - 1n]) {
        expect(publicKeyOf(hex32(d))).toBeUndefined();
        await expect(signBytes(message, hex32(d))).rejects.toThrow(RangeError);
      }
    });
  });

  describe("signatureFault against another library", () => {
    it("agrees on true, changed and foreign signatures", async () => {
      const bytes = fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .filter((one) => one.some((byte) => byte > 0));
      await fc.assert(
        fc.asyncProperty(
          bytes,
          fc.uint8Array(),
          fc.nat({ max: 511 }),
          fc.boolean(),
          async (secret, text, bit, flip) => {
            const secretHex = Buffer.from(secret).toString("hex");
            const publicHex = publicKeyOf(secretHex);
            fc.pre(publicHex !== undefined);
            const signature = Buffer.from(await signBytes(text, secretHex), "hex");
            if (flip) signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7));
            const key = readPublicKey(publicHex ?? "");
            const ours =
              key !== undefined && signatureFault(text, signature.toString("hex"), key) === undefined;
            let theirs = false;
            try {
              theirs = secp256k1.verify(signature, text, Buffer.from(publicHex ?? "", "hex"));
            } catch {
              // It throws for numbers out of range.
            }
            expect(ours).toBe(theirs);
            expect(ours).toBe(!flip);
          },
        ),
        { numRuns: 60 },
      );
    });
  });
});

describe("readPublicKey", () => {
  it("gives one name to every form of a key", () => {
    const point = secp256k1.Point.fromHex(alice.publicKey);
    for (const form of [point.toHex(true), point.toHex(false), point.toHex(false).toUpperCase()]) {
      expect(readPublicKey(form)?.hex).toBe(alice.publicKey);
    }
    const negated = point.negate().toHex(false);
    expect(readPublicKey(negated)?.hex).not.toBe(alice.publicKey);
  });

  it.each([
    ["nothing", ""],
    ["infinity", "00"],
    ["a hybrid form", `06${G.toHex(false).slice(2)}`],
    ["x alone", alice.publicKey.slice(2)],
    ["an uncompressed form without its prefix", G.toHex(false).slice(2)],
    ["0x in front", `0x${alice.publicKey}`],
    ["a line break at the end", `${alice.publicKey}\n`],
    ["x = p", `02${hex32(p)}`],
    ["x = p + 1, which would wrap to a point", `02${hex32(p + 1n)}`],
    ["x = 5, off the curve", `02${hex32(5n)}`],
    ["y of another point", `04${hex32(G.toAffine().x)}${hex32(G.multiply(2n).toAffine().y)}`],
    ["y + p, which would wrap", `04${hex32(1n)}${hex32(p + 1n)}`],
    ["a point of the twist", `04${hex32(5n)}${hex32(1n)}`],
    ["a letter that is no digit", alice.publicKey.replace(/.$/, "g")],
    ["full-width digits", alice.publicKey.replace(/^02|^03/, "０２")],
  ])("refuses %s", (_name, text) => {
    expect(readPublicKey(text)).toBeUndefined();
  });

  it("keeps its answers right when more keys come by than it remembers", () => {
    const keys = Array.from({ length: 300 }, () => publicKeyOf(randomBytes(32).toString("hex")) ?? "");
    for (const key of [...keys, ...keys]) expect(readPublicKey(key)?.hex).toBe(key);
  });
});
