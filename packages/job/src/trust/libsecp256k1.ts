/**
 * The check of a signature by libsecp256k1, as WebAssembly: the library that was written for this curve and nothing else.
 * OpenSSL has no path of its own for the curve and takes twice the processor time. It lives in a memory of its own, sees
 * nothing secret, and is asked only what our own checks have let through (ADR 13).
 */
import { createHash } from "node:crypto";
import { type PublicKey, readPublicKey, type SignatureCheck } from "./signature.ts";

const contextForVerification = 257;

/** Takes about 30 ms, once. Rejects where there is no WebAssembly (`node --jitless`), or where it judges wrongly. */
export async function loadLibsecp256k1(): Promise<SignatureCheck> {
  const { instantiateSecp256k1Wasm } =
    await import("@bitauth/libauth/build/lib/bin/secp256k1/secp256k1-wasm.js");
  const library = await instantiateSecp256k1Wasm();
  const context = library.contextCreate(contextForVerification);
  const memory = library.heapU8;
  const place = (bytes: number): number => library.malloc(bytes);
  const [digest, compressed, compact, point, signature] = [
    place(32),
    place(33),
    place(64),
    place(64),
    place(64),
  ];
  /** To read a compressed point is a square root. */
  const parsed = new WeakMap<PublicKey, Uint8Array>();

  const parse = (key: PublicKey): Uint8Array | undefined => {
    const known = parsed.get(key);
    if (known !== undefined) return known;
    memory.set(Buffer.from(key.hex, "hex"), compressed);
    if (library.pubkeyParse(context, point, compressed, 33) !== 1) return undefined;
    const bytes = memory.slice(point, point + 64);
    parsed.set(key, bytes);
    return bytes;
  };

  const check: SignatureCheck = (message, signatureHex, key) => {
    const bytes = parse(key);
    if (bytes === undefined) return false;
    memory.set(bytes, point);
    memory.set(Buffer.from(signatureHex, "hex"), compact);
    memory.set(createHash("sha256").update(message).digest(), digest);
    return (
      library.signatureParseCompact(context, signature, compact) === 1 &&
      library.verify(context, signature, digest, point) === 1
    );
  };
  if (!judgesRightly(check)) throw new Error("libsecp256k1 misjudged a known signature");
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
