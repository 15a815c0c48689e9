/** `--plan`. */
import type { ExitCode } from "../exit-codes.ts";
import { exitCodes } from "../exit-codes.ts";
import { makeReady, type RunOptions } from "./run.ts";
import { Session } from "./session.ts";
import type { Source } from "./program.ts";

export async function planSources(sources: readonly Source[], options: RunOptions): Promise<ExitCode> {
  const ready = await makeReady(sources, new Session(options), options);
  return typeof ready === "number" ? ready : exitCodes.done;
}
