/**
 * A descriptor that is kept for looks at processes: who has none left cannot see what to end, and a fence would seem to be
 * empty. All looks are synchronous and open one file at a time, so that one is enough for all.
 */
import { closeSync, openSync } from "node:fs";

let spare: number | undefined;

/** From now on there is one for the whole process. Does nothing where there is one, or where none can be had. */
export function keepSpareDescriptor(): void {
  try {
    spare ??= openSync("/dev/null", "r");
  } catch {
    // The next call tries again.
  }
}

/** Runs `look`, and once more with the spare one when there are no others. */
export function withSpareDescriptor<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (spare === undefined || !isOutOfDescriptors(error)) throw error;
    closeSync(spare);
    spare = undefined;
    try {
      return look();
    } finally {
      keepSpareDescriptor();
    }
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EMFILE";
}
