/**
 * The check of a signature by libsecp256k1: the library that was written for this curve and nothing else. There are two ways
 * to it (ADR 13 and 15); what is the same for both is here. It sees nothing secret, and is asked only what our own checks
 * have let through.
 */
import { hash } from "node:crypto";
import { type PublicKey, readPublicKey, type SignatureCheck } from "./signature.ts";

export interface Libsecp256k1 {
  /** Which one it is, in words. */
  readonly name: string;
  /** The point of a compressed key, in 64 bytes that mean something to this library alone. Undefined when it is none. */
  parse(compressedKey: Uint8Array): Uint8Array | undefined;
  /** `point`: what `parse` gave. */
  verify(digest: Uint8Array, compactSignature: Uint8Array, point: Uint8Array): boolean;
}

/** Throws when the library misjudges a known signature. */
export function checkWithLibsecp256k1(library: Libsecp256k1): SignatureCheck {
  /** To read a compressed point is a square root. */
  const parsed = new WeakMap<PublicKey, Uint8Array>();

  const parse = (key: PublicKey): Uint8Array | undefined => {
    const known = parsed.get(key);
    if (known !== undefined) return known;
    const point = library.parse(Buffer.from(key.hex, "hex"));
    if (point !== undefined) parsed.set(key, point);
    return point;
  };

  const check: SignatureCheck = (message, signatureHex, key) => {
    const point = parse(key);
    if (point === undefined) return false;
    const digest = hash("sha256", message, "buffer");
    return library.verify(digest, Buffer.from(signatureHex, "hex"), point);
  };
  if (!judgesRightly(check)) throw new Error(`${library.name} misjudged a known signature`);
  return check;
}

/** One signature by the secret key 1 that is right, and the same over something else. */
function judgesRightly(check: SignatureCheck): boolean {
  const key = readPublicKey("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  const signature =
    "7016eb9a61125d69eb24723bad29da640d8ed7a03571645eed3883f2c0ee22d3398e6c06547f2be6c5ed0442c83b441162f2ca357022fb1c316cb55e73c9f756";
  return (
    key !== undefined &&
    check(Buffer.from("herorunner"), signature, key) &&
    !check(Buffer.from("herorunneR"), signature, key)
  );
}
