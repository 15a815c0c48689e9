/** The end of a wait whose time is up, for whoever reads JSON, with a store that answers in its own ways. */
import { ClientError, type JobApi, type JobView } from "@herorunner/job";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { awaitJob } from "../src/await-job.ts";
import type { ExitCode } from "../src/exit-codes.ts";
import { hereShell } from "./support/here.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const job = (status: JobView["status"]): JobView => ({
  ...{ id: "a", runner: "web-1", status, attempt: 1 },
  ...{ timeoutSeconds: 60, maxAttempts: 1, envNames: [], payload: "x" },
});

interface Wait {
  readonly written: () => { readonly stdout: string; readonly stderr: string };
  /** Undefined while it goes on. */
  readonly code: () => ExitCode | undefined;
  readonly interrupt: () => void;
}

function timedOut(get: () => Promise<JobView>): Wait {
  const { shell, written } = hereShell();
  let interrupt = (): void => undefined;
  const onInterrupt = (listener: () => void): (() => void) => {
    interrupt = listener;
    return () => undefined;
  };
  const answers: Partial<JobApi> = {
    get,
    wait: () => Promise.reject(new ClientError("WAIT_TIMEOUT", "job a is still started after 5000 ms")),
  };
  const api = answers as JobApi; // nothing else is asked
  const plan = { id: "a", runner: "web-1", follow: false, timeoutMs: 5_000, json: true, raw: false };
  let code: ExitCode | undefined;
  void awaitJob(plan, { api, shell: { ...shell, onInterrupt }, words: "" }).then((end) => (code = end));
  return { written, code: () => code, interrupt: () => interrupt() };
}

const goesOn =
  "herojob: job a has not ended after 5.0 s and goes on; wait for it again with: herojob wait a --runner web-1\n";

it("a store that owes the answer holds it up for a second, and no longer", async () => {
  const { written, code } = timedOut(() => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([code(), written()]).toEqual([124, { stdout: "", stderr: goesOn }]);
});

it("Ctrl-C ends it meanwhile", async () => {
  const { code, interrupt } = timedOut(() => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(10);
  interrupt();
  await vi.advanceTimersByTimeAsync(10);
  expect(code()).toBe(130);
});

it("a store that is away for good takes nothing from the exit code", async () => {
  const { written, code } = timedOut(() => Promise.reject(new ClientError("UNAVAILABLE", "away")));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([code(), written()]).toEqual([124, { stdout: "", stderr: goesOn }]);
});

it("a job that goes on is shown as it is", async () => {
  const { written, code } = timedOut(() => Promise.resolve(job("started")));
  await vi.advanceTimersByTimeAsync(10);
  expect([code(), written().stderr]).toEqual([124, goesOn]);
  expect(JSON.parse(written().stdout)).toMatchObject({ id: "a", status: "started" });
});

it.each([
  ["finished", 0],
  ["error", 1],
] as const)("a job that is %s by then has ended, with its own exit code", async (status, expected) => {
  const { written, code } = timedOut(() => Promise.resolve(job(status)));
  await vi.advanceTimersByTimeAsync(10);
  expect([code(), written().stderr]).toEqual([expected, ""]);
  expect(JSON.parse(written().stdout)).toMatchObject({ id: "a", status });
});
