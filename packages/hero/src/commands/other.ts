/** The commands besides `hero run`, and help. */
import { UsageError } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { World } from "./run.ts";

export async function otherCommand(words: readonly string[], _world: World): Promise<ExitCode> {
  throw new UsageError(`there is no command "${words[0] ?? ""}"`, "hero run -s");
}
