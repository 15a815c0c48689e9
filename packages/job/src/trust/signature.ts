/**
 * ECDSA on secp256k1, as small and as strict as it gets. Only one spelling of a signature is accepted: 128 hex digits,
 * r then s, both in range, s in the lower half. OpenSSL would also take the upper half, hexadecimal text would be cut
 * silently at its first bad digit, and hybrid points would pass: so our own checks come first, the library after them.
 * That is OpenSSL, until a process that checks many signatures has loaded a quicker one (load-signature-check.ts).
 */
import { createECDH, createPublicKey, createVerify, type KeyObject } from "node:crypto";

/** What can be wrong with one signature; the words are those of the published test vectors. */
export type SignatureFault = "BAD_ENCODING" | "BAD_PUBLIC_KEY" | "HIGH_S" | "BAD_SIGNATURE";

/** A point of the curve, ready to verify with. `hex` is the compressed form in lower case: equal keys, equal text. */
export interface PublicKey {
  readonly hex: string;
  readonly key: KeyObject;
}

/**
 * Is the signature one of this key over the SHA-256 of the message? Asked only about what has passed our own checks: 128
 * lower case hex digits, r and s in range, s in the lower half, a point of the curve.
 */
export type SignatureCheck = (message: Uint8Array, signatureHex: string, key: PublicKey) => boolean;

export const checkWithOpenssl: SignatureCheck = (message, signatureHex, { key }) =>
  createVerify("sha256").update(message).verify({ key, dsaEncoding: "ieee-p1363" }, signatureHex, "hex");

let check = checkWithOpenssl;

/** From now on this process checks signatures so. */
export function checkSignaturesWith(other: SignatureCheck): void {
  check = other;
}

const fieldPrime = 2n ** 256n - 2n ** 32n - 977n;
const groupOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const halfOrder = groupOrder >> 1n;

const compressedKey = /^0[23][0-9a-f]{64}$/;
const uncompressedKey = /^04[0-9a-f]{128}$/;
const compactSignature = /^[0-9a-f]{128}$/;
const secretKeyPattern = /^[0-9a-f]{64}$/;
// SubjectPublicKeyInfo up to the point: id-ecPublicKey, secp256k1, bit string of 34 bytes.
const spkiPrefix = Buffer.from("3036301006072a8648ce3d020106052b8104000a032200", "hex");

/** Imports are the dearer half of a verification; a runner sees the same few keys again and again. */
const cacheLimit = 256;
const imported = new Map<string, PublicKey>();

/** Reads a public key of 33 or 65 bytes in hex, upper or lower case. Undefined when it is not a point of the curve. */
export function readPublicKey(hex: string): PublicKey | undefined {
  const compressed = compress(hex.toLowerCase());
  if (compressed === undefined) return undefined;
  const known = imported.get(compressed);
  if (known !== undefined) {
    // Back to the young end of the map, so that a flood of unknown keys does not push out the ones in use.
    imported.delete(compressed);
    imported.set(compressed, known);
    return known;
  }
  const key = importKey(compressed);
  if (key === undefined) return undefined;
  const oldest = imported.keys().next();
  if (imported.size >= cacheLimit && oldest.done !== true) imported.delete(oldest.value);
  const publicKey = { hex: compressed, key };
  imported.set(compressed, publicKey);
  return publicKey;
}

/** The compressed form, if the text has the form of a point and, for 65 bytes, lies on the curve. */
function compress(hex: string): string | undefined {
  if (compressedKey.test(hex)) return hex;
  if (!uncompressedKey.test(hex)) return undefined;
  const [x, y] = [hex.slice(2, 66), hex.slice(66)];
  const [bigX, bigY] = [BigInt(`0x${x}`), BigInt(`0x${y}`)];
  if (bigX >= fieldPrime || bigY >= fieldPrime) return undefined;
  if ((bigY * bigY) % fieldPrime !== (bigX * bigX * bigX + 7n) % fieldPrime) return undefined;
  return `0${2n + (bigY & 1n)}${x}`;
}

function importKey(compressed: string): KeyObject | undefined {
  const x = BigInt(`0x${compressed.slice(2)}`);
  if (x >= fieldPrime || !isSquare((x * x * x + 7n) % fieldPrime)) return undefined;
  try {
    const der = Buffer.concat([spkiPrefix, Buffer.from(compressed, "hex")]);
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** Euler's criterion: y² = value has a solution. */
function isSquare(value: bigint): boolean {
  let result = 1n;
  let base = value;
  for (let exponent = (fieldPrime - 1n) >> 1n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % fieldPrime;
    base = (base * base) % fieldPrime;
  }
  return result === 1n;
}

/** Is the text one of the accepted spellings of a signature? Cheap; says nothing about its truth. */
export function encodingFault(signatureHex: string): "BAD_ENCODING" | "HIGH_S" | "BAD_SIGNATURE" | undefined {
  const hex = signatureHex.toLowerCase();
  if (signatureHex.length !== 128 || !compactSignature.test(hex)) return "BAD_ENCODING";
  const r = BigInt(`0x${hex.slice(0, 64)}`);
  const s = BigInt(`0x${hex.slice(64)}`);
  if (r === 0n || s === 0n || r >= groupOrder || s >= groupOrder) return "BAD_SIGNATURE";
  return s > halfOrder ? "HIGH_S" : undefined;
}

/** Undefined when the signature is one of this key over these bytes (hashed here with SHA-256), else what is wrong. */
export function signatureFault(
  message: Uint8Array,
  signatureHex: string,
  publicKey: PublicKey,
): SignatureFault | undefined {
  const fault = encodingFault(signatureHex);
  if (fault !== undefined) return fault;
  return check(message, signatureHex.toLowerCase(), publicKey) ? undefined : "BAD_SIGNATURE";
}

/** The compressed public key of a secret key of 32 bytes in hex; undefined when the number is out of range. */
export function publicKeyOf(secretKeyHex: string): string | undefined {
  const hex = secretKeyHex.toLowerCase();
  if (!secretKeyPattern.test(hex)) return undefined;
  const number = BigInt(`0x${hex}`);
  if (number === 0n || number >= groupOrder) return undefined;
  const exchange = createECDH("secp256k1");
  exchange.setPrivateKey(hex, "hex");
  return exchange.getPublicKey("hex", "compressed");
}

/**
 * Signs the SHA-256 of the message: nonce after RFC 6979, low s, 128 hex digits. The library is loaded on first use,
 * so that a process that only verifies never pays for it. Throws RangeError for a secret key out of range.
 */
export async function signBytes(message: Uint8Array, secretKeyHex: string): Promise<string> {
  if (publicKeyOf(secretKeyHex) === undefined) throw new RangeError("the secret key is not one of secp256k1");
  const { secp256k1 } = await import("@noble/curves/secp256k1.js");
  const signature = secp256k1.sign(message, Buffer.from(secretKeyHex, "hex"), { lowS: true });
  return Buffer.from(signature).toString("hex");
}
