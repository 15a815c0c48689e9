/** Actors of `--actors DIR`. */
import { UsageError } from "./errors.ts";
import type { Registry } from "./registry.ts";

export async function loadActors(_registry: Registry, folder: string, _cwd: string): Promise<void> {
  throw new UsageError(`cannot load actors of ${folder}`);
}
