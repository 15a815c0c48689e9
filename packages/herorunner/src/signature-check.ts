/**
 * The quickest check of signatures that works here. The system's library is there before the first job is taken, so that
 * one that fails its own test, which ends the process, ends a start and no job. WebAssembly is loaded beside the first
 * jobs; until it is there, and where nothing else is, OpenSSL checks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@herorunner/daemon";
import { checkSignaturesWith, loadSignatureCheck, type SignatureCheckWish } from "@herorunner/job/trust";

/** The first question to Redis is out by then. */
const wasmAfterMs = 50;

export function quickenSignatureChecks(wish: SignatureCheckWish, logger: Logger): void {
  const quicken = async (): Promise<void> => {
    const wasmMayLoad = (): Promise<void> => sleep(wasmAfterMs, undefined, { ref: false });
    const { check, name, passedBy } = await loadSignatureCheck(wish, wasmMayLoad);
    checkSignaturesWith(check);
    const why = passedBy.map((one) => one.why).join("; ");
    logger.info(why === "" ? {} : { why }, `signatures are checked by ${name}`);
  };
  void quicken();
}
