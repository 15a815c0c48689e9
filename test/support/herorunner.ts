/** A herorunner for one test: ended with it. */
import { onTestFinished } from "vitest";
import { type Herorunner, type HerorunnerOptions, launchHerorunner } from "./herorunner-process.ts";

export type { Herorunner, HerorunnerOptions } from "./herorunner-process.ts";

/** Starts it and waits until it takes jobs. */
export async function startHerorunner(
  args: readonly string[],
  options: HerorunnerOptions = {},
): Promise<Herorunner> {
  const runner = await launchHerorunner(args, options);
  onTestFinished(() => runner.end());
  return runner;
}
