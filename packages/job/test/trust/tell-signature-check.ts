/** What a process like this one would check signatures with: one line of JSON. */
import { loadSignatureCheck, type SignatureCheckWish } from "../../src/trust/load-signature-check.ts";

const { check: _, ...loaded } = await loadSignatureCheck((process.argv[2] ?? "auto") as SignatureCheckWish);
console.log(JSON.stringify(loaded));
