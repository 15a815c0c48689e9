/** Whole jobs whose script is run by our own `hero run -s`: what is left of the differences when the job is a real one. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { builtBin } from "../test/support/built.ts";
import type { EntrantList } from "./entrants.ts";
import { herorunner } from "./list-workers.ts";
import { latencyTable, type Terms, throughputTables } from "./throughput.ts";

const takePart: ReadonlySet<string> = new Set(["herorunner", "herorunner group", "bare Node", "BullMQ"]);
/** A job takes so many times longer that as many tell as much. */
const fewerJobs = 10;

/** A waiting hero that was used is replaced within this, or the next job does not find one. */
const untilAnotherWaitsMs = 400;

/** `folder` takes the program. */
export async function heroTables(
  [floor, ...others]: EntrantList,
  folder: string,
  terms: Terms,
): Promise<void> {
  const program = join(folder, "hero");
  // By the interpreter's own path, for the environments of the bare workers hold no more than /usr/bin.
  writeFileSync(program, `#!${process.execPath}\nrequire(${JSON.stringify(builtBin("hero"))});\n`, {
    mode: 0o755,
  });
  const list: EntrantList = [floor, ...others.filter(({ name }) => takePart.has(name))];
  const jobs = Math.max(20, Math.round(terms.jobs / fewerJobs));
  const ofHero = { ...terms, jobs, program, output: "hello\n" };
  await throughputTables(list, ofHero, "Jobs run by our own hero");
  const waiting = herorunner({ name: "herorunner --prewarm 2", args: ["--prewarm", "2"] });
  await latencyTable([herorunner({ name: "herorunner" }), waiting], {
    ...ofHero,
    title: "One job run by our own hero, on an idle system",
    pauseMs: untilAnotherWaitsMs,
  });
}
