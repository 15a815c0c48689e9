/** What a start would refuse of the options themselves: each is tried as the start does it, and put back. */
import { type Address, type Logger, noMetrics, showAddress } from "@herorunner/daemon";
import { openHealth } from "../health.ts";
import type { RunConfig } from "../options.ts";
import { allowedNamesOf } from "../parts.ts";
import { openReceipts } from "../receipts.ts";
import { readSupervisorKey } from "../register.ts";
import { StartRefused } from "../start-refused.ts";
import { type Finding, fine } from "./finding.ts";

const answerWithinMs = 2_000;

/** `runnerWasNamed`: else nothing is known of the runner that is meant. No line about what was not asked for. */
export async function checkStart(config: RunConfig, runnerWasNamed: boolean): Promise<readonly Finding[]> {
  const { envAllow, receiptKey, supervisor, supervisorKeyFile, listen, runnerId } = config;
  const findings: Finding[] = [];
  if (envAllow.length > 0)
    findings.push(
      await tried("allowed names", "correct the list of --env-allow", () =>
        [...allowedNamesOf(config)].join(", "),
      ),
    );
  if (receiptKey !== undefined)
    findings.push(
      await tried("receipt key", "make one with herojob keygen, as the user of the runner", async () => {
        await openReceipts(receiptKey);
        return receiptKey;
      }),
    );
  // Without a supervisor nobody reads it.
  if (supervisor !== undefined && supervisorKeyFile !== undefined)
    findings.push(
      await tried("supervisor key", "name a file that the user of the runner may read", () => {
        readSupervisorKey(supervisorKeyFile);
        return supervisorKeyFile;
      }),
    );
  if (listen !== undefined) findings.push(await checkListen(listen, runnerWasNamed ? runnerId : undefined));
  return findings;
}

async function tried(name: string, fix: string, use: () => string | Promise<string>): Promise<Finding> {
  try {
    return fine(name, await use());
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return { name, ok: false, severity: "refuse", sentence: error.message, fix };
  }
}

async function checkListen(listen: Address, runnerId: string | undefined): Promise<Finding> {
  const name = "listen";
  const shown = showAddress(listen);
  try {
    const verdict = (): { reasons: string[] } => ({ reasons: [] });
    const wiring = { listen, logger: silent, metrics: noMetrics, healthy: verdict, ready: verdict };
    await (await openHealth(wiring)).close();
    return fine(name, shown);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    const taken = (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
    const holder = taken ? await runnerAt(shown) : undefined;
    if (holder === undefined || (runnerId !== undefined && runnerId !== holder)) {
      const sentence = holder === undefined ? error.message : `${shown} is served by the runner ${holder}`;
      const fix = "name another address with --listen, or none";
      return { name, ok: false, severity: "refuse", sentence, fix };
    }
    const sentence = `${shown} is served by the runner ${holder}, which runs now`;
    const fix =
      "nothing, where that is the process you look after; a second one beside it needs another address";
    return { name, ok: false, severity: "note", sentence, fix };
  }
}

/** The id of the runner that serves its metrics there. */
async function runnerAt(address: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(answerWithinMs) });
    return /^herorunner_info\{(?:[^}]*,)?runner="([^"]*)"/m.exec(await answer.text())?.[1];
  } catch {
    return undefined;
  }
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  error: () => undefined,
  child: () => silent,
};
