/** Which of the ways to check a signature this process takes: the quickest that works here, or the one that was asked for. */
import { checkWithLibsecp256k1, type Libsecp256k1 } from "./libsecp256k1.ts";
import { checkWithOpenssl, type SignatureCheck } from "./signature.ts";
import { NoSystemLibrary, openSystemLibsecp256k1 } from "./system-libsecp256k1.ts";
import { openWasmLibsecp256k1 } from "./wasm-libsecp256k1.ts";

export const signatureCheckWishes = ["auto", "wasm", "openssl"] as const;
export type SignatureCheckWish = (typeof signatureCheckWishes)[number];

export interface LoadedSignatureCheck {
  readonly check: SignatureCheck;
  readonly by: "system" | "wasm" | "openssl";
  /** The library in words. */
  readonly name: string;
  /** What would have been taken before it, and why it was not. */
  readonly passedBy: readonly PassedBy[];
}

export interface PassedBy {
  readonly by: "system" | "wasm";
  readonly why: string;
  /** What would have to be installed for it, if that is all. */
  readonly missing?: "addon" | "library";
}

/**
 * Never rejects: OpenSSL is always there. What is taken has judged a known signature rightly. The system's library is opened
 * within this call; WebAssembly, which takes longer, not before `wasmMayLoad` resolves.
 */
export async function loadSignatureCheck(
  wish: SignatureCheckWish,
  wasmMayLoad: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadedSignatureCheck> {
  const passedBy: PassedBy[] = [];
  const openWasm = (): Promise<Libsecp256k1> => wasmMayLoad().then(openWasmLibsecp256k1);
  const ways = [
    ...(wish === "auto" ? [{ by: "system", open: () => openSystemLibsecp256k1() } as const] : []),
    ...(wish === "openssl" ? [] : [{ by: "wasm", open: openWasm } as const]),
  ];
  for (const { by, open } of ways) {
    try {
      const library = await open();
      return { check: checkWithLibsecp256k1(library), by, name: library.name, passedBy };
    } catch (error) {
      const missing = error instanceof NoSystemLibrary ? { missing: error.missing } : {};
      passedBy.push({ by, why: error instanceof Error ? error.message : String(error), ...missing });
    }
  }
  return { check: checkWithOpenssl, by: "openssl", name: "OpenSSL", passedBy };
}
