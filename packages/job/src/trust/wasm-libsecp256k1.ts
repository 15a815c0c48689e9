/** libsecp256k1 compiled to WebAssembly. It lives in a memory of its own, and is there on every platform (ADR 13). */
import type { Libsecp256k1 } from "./libsecp256k1.ts";

const contextForVerification = 257;

/** Takes about 30 ms, once. Rejects where there is no WebAssembly (`node --jitless`). */
export async function openWasmLibsecp256k1(): Promise<Libsecp256k1> {
  const { instantiateSecp256k1Wasm } =
    await import("@bitauth/libauth/build/lib/bin/secp256k1/secp256k1-wasm.js");
  const library = await instantiateSecp256k1Wasm();
  const context = library.contextCreate(contextForVerification);
  const memory = library.heapU8;
  const place = (bytes: number): number => library.malloc(bytes);
  const [digestAt, keyAt, compactAt, pointAt, signatureAt] = [
    place(32),
    place(33),
    place(64),
    place(64),
    place(64),
  ];
  return {
    name: "libsecp256k1 as WebAssembly",
    parse: (compressedKey) => {
      memory.set(compressedKey, keyAt);
      const isPoint = library.pubkeyParse(context, pointAt, keyAt, 33) === 1;
      return isPoint ? memory.slice(pointAt, pointAt + 64) : undefined;
    },
    verify: (digest, compactSignature, point) => {
      memory.set(digest, digestAt);
      memory.set(compactSignature, compactAt);
      memory.set(point, pointAt);
      return (
        library.signatureParseCompact(context, signatureAt, compactAt) === 1 &&
        library.verify(context, signatureAt, digestAt, pointAt) === 1
      );
    },
  };
}
