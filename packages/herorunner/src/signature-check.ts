/** The quicker check of signatures, loaded beside the first jobs. Until it is there, and where it cannot be, OpenSSL checks. */
import type { Logger } from "@herorunner/daemon";
import { checkSignaturesWith, loadSignatureCheck, type SignatureCheckWish } from "@herorunner/job/trust";

/** The first question to Redis is out by then. */
const quickenAfterMs = 50;

export function quickenSignatureChecks(wish: SignatureCheckWish, logger: Logger): void {
  const quicken = async (): Promise<void> => {
    const { check, name, passedBy } = await loadSignatureCheck(wish);
    checkSignaturesWith(check);
    const why = passedBy.map((one) => one.why).join("; ");
    logger.info(why === "" ? {} : { why }, `signatures are checked by ${name}`);
  };
  setTimeout(() => void quicken(), quickenAfterMs).unref();
}
