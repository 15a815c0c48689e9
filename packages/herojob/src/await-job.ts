/**
 * Waiting for the end of a job, with or without its live output: progress for people, Ctrl-C, a store that goes away
 * for a moment, the end of the wait before the end of the job. The answer is the exit code.
 */
import { ClientError, isFinal, type JobView, type RunnerState, wireView } from "@herorunner/job";
import { abortAfter } from "./abort-after.ts";
import { endCode, showEnding } from "./ending.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { Interrupts } from "./interrupts.ts";
import { LiveOutput } from "./live-output.ts";
import { patiently } from "./patience.ts";
import { Progress } from "./progress.ts";
import type { Session } from "./session.ts";
import { shortDuration } from "./text.ts";
import { jsonLine } from "./visible.ts";

export interface AwaitPlan {
  readonly id: string;
  readonly runner: string;
  readonly follow: boolean;
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  readonly raw: boolean;
  /** Members to put in front of the job view in the JSON form. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A job that has not moved for this time makes us look whether anybody serves its runner id, and then again. */
const wonderMs = 2_000;
const wonderAgainMs = 5_000;

export async function awaitJob(plan: AwaitPlan, session: Session): Promise<ExitCode> {
  const { shell, words } = session;
  const progress = new Progress(shell.stderr, !plan.follow && !plan.json);
  const live = new LiveOutput(shell, plan.raw);
  const interrupts = new Interrupts({
    shell,
    question: `Cancel job ${plan.id} too? (no, or Ctrl-C again: it goes on)`,
    onAsk: () => progress.hide(),
    cancel: () => cancelNow(plan, session),
  });
  const watch = new Watch(session, { progress, live });
  const back = `herojob wait ${plan.id} --runner ${plan.runner}${words}`;
  try {
    const job = await untilFinal(plan, session, { live, watch, signal: interrupts.signal });
    watch.stop();
    await live.endLine();
    await showJob(job, plan, { session, live });
    return interrupts.cancelling ? exitCodes.interrupted : endCode(job);
  } catch (error) {
    watch.stop();
    if (interrupts.signal.aborted) {
      await live.note(`stopped waiting, job ${plan.id} goes on; wait for it again with: ${back}`);
      return exitCodes.interrupted;
    }
    if (!(error instanceof ClientError)) throw error;
    if (error.code === "UNAVAILABLE" || error.code === "DENIED") {
      await live.note(`it is not known how job ${plan.id} goes on; wait for it again with: ${back}`);
    }
    if (error.code !== "WAIT_TIMEOUT") throw error;
    const job = plan.json ? await lookOnce(plan, session, interrupts.signal) : undefined;
    if (job !== undefined && isFinal(job.status)) {
      await live.endLine();
      await showJob(job, plan, { session, live });
      return interrupts.cancelling ? exitCodes.interrupted : endCode(job);
    }
    const waited = shortDuration(plan.timeoutMs ?? 0);
    await live.note(
      `job ${plan.id} has not ended after ${waited} and goes on; wait for it again with: ${back}`,
    );
    if (job !== undefined) await shell.stdout.write(jsonLine({ ...plan.extra, ...wireView(job) }));
    return interrupts.signal.aborted ? exitCodes.interrupted : exitCodes.timeout;
  } finally {
    watch.stop();
    interrupts.stop();
  }
}

/** Whoever reads JSON learns where the job stands, and its id. Where that cannot be had, the exit code has to do. */
async function lookOnce(
  { id, runner }: AwaitPlan,
  { api }: Session,
  interrupted: AbortSignal,
): Promise<JobView | undefined> {
  const over = abortAfter(answerMs);
  const signal = AbortSignal.any([interrupted, over.signal]);
  const onAway = (): Promise<void> => Promise.resolve();
  try {
    return await patiently(() => api.get(id, { runner }), { signal, onAway });
  } catch (error) {
    if (signal.aborted || error instanceof ClientError) return undefined;
    throw error;
  } finally {
    over.stop();
  }
}

async function cancelNow({ id, runner }: AwaitPlan, { api }: Session): Promise<string> {
  switch (await api.cancel(id, { runner })) {
    case "cancelled":
      return `job ${id} is cancelled`;
    case "requested":
      return `asked the runner to end job ${id}; waiting for that (Ctrl-C: leave it)`;
    case "final":
      return `job ${id} has ended already`;
  }
}

interface Parts {
  readonly live: LiveOutput;
  readonly watch: Watch;
  readonly signal: AbortSignal;
}

/** A store that answers has ended the wait by itself this long after its time is up. */
const answerMs = 1_000;

async function untilFinal(plan: AwaitPlan, session: Session, parts: Parts): Promise<JobView> {
  const { id, follow, timeoutMs } = plan;
  const over = abortAfter(timeoutMs === undefined || follow ? timeoutMs : timeoutMs + answerMs);
  const signal = AbortSignal.any([parts.signal, over.signal]);
  try {
    return await showUntilFinal(plan, session, { ...parts, signal });
  } catch (error) {
    if (!over.signal.aborted || parts.signal.aborted) throw error;
    throw new ClientError("WAIT_TIMEOUT", `job ${id} has not ended`);
  } finally {
    over.stop();
  }
}

async function showUntilFinal(plan: AwaitPlan, { api }: Session, parts: Parts): Promise<JobView> {
  const { id, runner, follow, timeoutMs } = plan;
  const { live, watch, signal } = parts;
  const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  const patience = { signal, onAway: (why: string) => watch.note(`${why}; trying again`) };
  if (follow) {
    watch.onStatus(await patiently(() => api.get(id, { runner }), patience));
    await patiently(async () => {
      const lines = api.logs(id, { runner, afterSeq: live.lastSeq, signal });
      for await (const line of lines) await live.show(line);
    }, patience);
  }
  return patiently(() => {
    const left = end === undefined ? {} : { timeoutMs: Math.max(0, end - performance.now()) };
    return api.wait(id, { runner, signal, ...left, onStatus: (job) => watch.onStatus(job) });
  }, patience);
}

/** Tells a person where the job stands, and everybody when it depends on a runner that is not there. */
class Watch {
  readonly #session: Session;
  readonly #progress: Progress;
  readonly #live: LiveOutput;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(session: Session, tools: { progress: Progress; live: LiveOutput }) {
    this.#session = session;
    this.#progress = tools.progress;
    this.#live = tools.live;
  }

  onStatus(job: JobView): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#progress.show(`job ${job.id} ${phrase(job)}`);
    if (isOnItsWay(job)) this.#lookLater(job, wonderMs);
  }

  /** Says something, not behind the progress line. */
  async note(text: string): Promise<void> {
    this.#progress.clear();
    await this.#live.note(text);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#progress.hide();
  }

  #lookLater(job: JobView, afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#wonder(job), afterMs);
  }

  async #wonder(job: JobView): Promise<void> {
    const timer = this.#timer;
    // Only a hint: where it cannot be had, the wait itself says why.
    const state = await this.#session.api.runner(job.runner).catch(() => undefined);
    if (this.#stopped || this.#timer !== timer) return;
    const trouble = state === undefined ? undefined : troubleOf(job, state);
    // A process that died is missed only when its heartbeat has expired, so one look is not enough.
    if (trouble === undefined) this.#lookLater(job, wonderAgainMs);
    else await this.note(trouble);
  }
}

function isOnItsWay({ status }: JobView): boolean {
  return status !== "created" && !isFinal(status);
}

/** Why the job will not move by itself. */
function troubleOf(job: JobView, { alive, paused }: RunnerState): string | undefined {
  const queued = job.status === "queued";
  if (!alive && queued) return `no process serves runner ${job.runner} at the moment; the job waits for one`;
  if (!alive) {
    return `no process serves runner ${job.runner} at the moment, and the one that had job ${job.id} is gone; nothing happens until one is started`;
  }
  return queued && paused ? `runner ${job.runner} is paused; the job waits until it is resumed` : undefined;
}

function phrase(job: JobView): string {
  switch (job.status) {
    case "created":
      return "is stored and not queued";
    case "queued":
      return `waits for runner ${job.runner}`;
    case "dispatched":
      return "is taken by its runner";
    case "started":
      return "runs";
    case "finished":
    case "error":
      return "has ended";
  }
}

async function showJob(
  job: JobView,
  plan: AwaitPlan,
  { session, live }: { session: Session; live: LiveOutput },
): Promise<void> {
  const { shell, words } = session;
  if (plan.json) {
    await shell.stdout.write(jsonLine({ ...plan.extra, ...wireView(job) }));
    return;
  }
  await showEnding(job, { shell, raw: plan.raw, ...(plan.follow ? { alreadyShown: live.seen } : {}) });
  const unseen = live.missing("out", job) + live.missing("err", job);
  if (unseen > 0) {
    await live.note(
      `${unseen} bytes at the end were not shown live; see herojob result ${job.id} --runner ${job.runner}${words}`,
    );
  }
  if (!shell.stderr.isTerminal || job.status !== "finished") return;
  const took = job.durationMs === undefined ? "" : ` in ${shortDuration(job.durationMs)}`;
  await shell.stderr.write(`job ${job.id} finished${took}\n`);
}
