/** Every way to check a signature that a runner may take: what a test says of one, it says of all. */
import { needSystemLibsecp256k1 } from "../../../../test/support/system-libsecp256k1.ts";
import { checkWithLibsecp256k1 } from "../../src/trust/libsecp256k1.ts";
import { checkWithOpenssl, type SignatureCheck } from "../../src/trust/signature.ts";
import { openSystemLibsecp256k1 } from "../../src/trust/system-libsecp256k1.ts";
import { openWasmLibsecp256k1 } from "../../src/trust/wasm-libsecp256k1.ts";

export async function signatureChecks(): Promise<readonly { name: string; check: SignatureCheck }[]> {
  await needSystemLibsecp256k1();
  return [
    { name: "OpenSSL", check: checkWithOpenssl },
    { name: "libsecp256k1 as WebAssembly", check: checkWithLibsecp256k1(await openWasmLibsecp256k1()) },
    { name: "the system's libsecp256k1", check: checkWithLibsecp256k1(openSystemLibsecp256k1()) },
  ];
}
