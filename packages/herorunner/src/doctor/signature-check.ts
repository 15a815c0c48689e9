/** What would check the signatures. It is tried with a known one, as a runner tries it. */
import {
  type LoadedSignatureCheck,
  loadSignatureCheck,
  type PassedBy,
  type SignatureCheckWish,
} from "@herorunner/job/trust";
import { type Finding, fine } from "./finding.ts";

const name = "signature check";
const guide = 'see "What checks the signatures" in docs/operations.md';

export async function trySignatureCheck(wish: SignatureCheckWish): Promise<Finding> {
  return signatureCheckFinding(wish, await loadSignatureCheck(wish));
}

export function signatureCheckFinding(
  wish: SignatureCheckWish,
  { by, name: library, passedBy }: Omit<LoadedSignatureCheck, "check">,
): Finding {
  if (passedBy.length === 0)
    return fine(name, wish === "auto" ? library : `${library}, as --signature-check says`);
  const why = passedBy.map((one) => one.why).join("; ");
  const sentence = `${library}, which takes ${by === "wasm" ? "over three" : "over seven"} times the processor time: ${why}`;
  const severity = by === "wasm" ? "note" : "warn";
  return { name, ok: false, severity, sentence, fix: `${nextStep(passedBy)}; ${guide}` };
}

/** The pattern stands for one package on every Debian and Ubuntu: its number is that of the library's interface. */
function nextStep(passedBy: readonly PassedBy[]): string {
  const system = passedBy.find((one) => one.by === "system");
  if (system === undefined) return "leave out --signature-check";
  if (system.missing === "addon") return "build the addon";
  if (system.why.includes("--no-addons"))
    return "start Node without --no-addons, with --allow-addons beside --permission (NODE_OPTIONS)";
  return system.missing === "library"
    ? "apt-get install '^libsecp256k1-[0-9]+$'"
    : "install another libsecp256k1";
}
