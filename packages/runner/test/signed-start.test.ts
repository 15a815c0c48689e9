/** What the engine does for jobs whose signatures counted: journal, replay guard, dates. Admission is stood in for. */
import { finished, type ReplayGuard, type VerifiedJob } from "@herorunner/job";
import type { Trust } from "@herorunner/job/trust";
import { expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { createAdmit, type ReplayJournal } from "../src/index.ts";
import { engine, type EngineOptions } from "./support/engine.ts";

const replay = { digest: "d", maxStarts: 1, guardMs: 60_000, untilMs: undefined } as unknown as ReplayGuard;

/** Every job counts as signed, with `extra` on top of what admission says. */
function signed(extra: Partial<VerifiedJob>): EngineOptions["admit"] {
  return (runner) => (claim) => {
    const admission = createAdmit(runner)(claim);
    if (!admission.ok) return admission;
    const job = { ...admission.job, replay, ...extra };
    return { ok: true, job, startOptions: { maxStarts: 1, replayGuardMs: 60_000 } };
  };
}

const accepting: ReplayJournal = { accept: () => Promise.resolve(true) };

async function run(options: EngineOptions) {
  const { store, end } = engine(() => Promise.resolve(finished("ran")), options);
  store.submit("1", { payload: "x" });
  await until(() => ["finished", "error"].includes(store.text("1", "status") ?? ""), "the job is over");
  await end();
  return store;
}

test("a signed job is written into the journal and runs", async () => {
  const asked: ReplayGuard[] = [];
  const journal: ReplayJournal = { accept: (guard) => Promise.resolve(asked.push(guard) > 0) };
  const store = await run({ admit: signed({})!, journal });
  expect([store.text("1", "result"), asked]).toEqual(["ran", [replay]]);
});

test("a job that the journal knows is refused as replayed, whatever Redis says", async () => {
  const journal: ReplayJournal = { accept: () => Promise.resolve(false) };
  const store = await run({ admit: signed({})!, journal });
  expect([store.text("1", "reason"), store.text("1", "result")]).toEqual(["replayed", undefined]);
});

test("a journal that cannot be written runs nothing", async () => {
  const journal: ReplayJournal = { accept: () => Promise.reject(new Error("ENOSPC")) };
  const store = await run({ admit: signed({})!, journal });
  expect([store.text("1", "reason"), store.text("1", "result")]).toEqual(["internal", undefined]);
});

test("a job whose date passed while the queue was away is not run", async () => {
  const store = await run({ admit: signed({ notAfterMs: Date.now() - 1 })!, journal: accepting });
  expect(store.text("1", "reason")).toBe("expired");
});

test("an id that Redis remembers as started is replayed", async () => {
  const { store, end } = engine(() => Promise.resolve(finished("ran")), {
    admit: signed({})!,
    journal: accepting,
  });
  store.submit("1", { payload: "x" });
  await until(() => store.text("1", "status") === "finished", "the first run is over");
  store.submit("1", { payload: "x", status: "queued" });
  await until(() => store.text("1", "reason") === "replayed", "the second one is refused");
  await end();
});

test("a job whose signer was taken out of the trust file while the queue was away is not run", async () => {
  const reason = "untrusted_signer";
  const before = { mode: "required", check: () => ({ ...vouched, signers: ["mallory"] }) } as Trust;
  const after = { mode: "required", check: () => ({ ok: false, reason, message: "no such key" }) } as Trust;
  const store = await run(reloading(before, after));
  expect([store.text("1", "reason"), store.text("1", "result")]).toEqual([reason, undefined]);
});

test("a check that throws then refuses the one job", async () => {
  const before = { mode: "required", check: () => vouched } as unknown as Trust;
  const after = { mode: "required", check: () => JSON.parse("{") as never } as Trust;
  const store = await run(reloading(before, after));
  expect([store.text("1", "reason"), store.text("1", "result")]).toEqual(["internal", undefined]);
});

test("a job that the new trust file still takes has its verdict: signers, grants", async () => {
  const before = { mode: "required", check: () => ({ ...vouched, signers: ["alice", "mallory"] }) } as Trust;
  const after = { mode: "required", check: () => ({ ...vouched, signers: ["alice"] }) } as Trust;
  const store = await run(reloading(before, after));
  expect([store.text("1", "result"), store.text("1", "signers")]).toEqual(["ran", '["alice"]']);
});

/** Another trust at every look, the last one from then on. */
function judgedBy(...verdicts: readonly unknown[]): EngineOptions["admit"] {
  const trusts = verdicts.map((verdict) => ({ mode: "warn", check: () => verdict }) as unknown as Trust);
  let looks = 0;
  const trust = (): Trust => trusts[Math.min(looks++, trusts.length - 1)]!;
  return ({ runnerId, runnerType }) => createAdmit({ runnerId, runnerType, trust });
}

test("a job that was unsigned to the old trust and is signed to the new one is asked of the journal", async () => {
  const asked: ReplayGuard[] = [];
  const journal: ReplayJournal = { accept: (guard) => Promise.resolve(asked.push(guard) === 0) };
  const store = await run({ admit: judgedBy(unsigned, vouched)!, journal });
  expect([store.text("1", "reason"), store.text("1", "result"), asked]).toEqual([
    "replayed",
    undefined,
    [replay],
  ]);
});

test("the journal is asked again where the trust that came while it wrote allows less, and only then", async () => {
  const asked: ReplayGuard[] = [];
  const journal: ReplayJournal = { accept: (guard) => Promise.resolve(asked.push(guard) < 3) };
  const guards = [3, 3, 2, 2, 5, 1].map((maxStarts) => ({ ...replay, maxStarts }));
  const verdicts = guards.map((guard) => ({ ...vouched, replay: guard }));
  const store = await run({ admit: judgedBy(...verdicts)!, journal });
  expect([store.text("1", "result"), asked.map(({ maxStarts }) => maxStarts)]).toEqual(["ran", [3, 2]]);
});

test("starts that Redis allowed by the old trust count against the new one", async () => {
  const admit = judgedBy({ ...vouched, replay: { ...replay, maxStarts: 2 } }, vouched)!;
  const { store, end } = engine(() => Promise.resolve(finished("ran")), { admit, journal: accepting });
  store.submit("1", { payload: "x", max_attempts: "2", attempt: "1" });
  await until(() => store.text("1", "status") === "error", "the job is over");
  await end();
  expect([store.text("1", "reason"), store.text("1", "result")]).toEqual(["replayed", undefined]);
});

test("a job that the new trust refuses is told, and nobody is named or signs for it", async () => {
  const refused = { ok: false, reason: "untrusted_signer", message: "no such key" };
  const { store, events, end } = engine(() => Promise.resolve(finished("ran")), {
    admit: judgedBy({ ...vouched, signers: ["mallory"] }, refused)!,
    journal: accepting,
    signReceipt: () => Promise.resolve("a receipt"),
    jobs: { 1: { payload: "x" } },
  });
  await until(() => store.text("1", "status") === "error", "the job is over");
  await end();
  const stored = ["reason", "signers", "receipt"].map((name) => store.text("1", name));
  expect(stored).toEqual(["untrusted_signer", undefined, undefined]);
  const verdict = { ok: false, outcome: { reason: "untrusted_signer" } };
  expect(events.filter(({ kind }) => kind === "rejudged")).toMatchObject([{ verdict }]);
});

const grants = { allowedActions: undefined, envUnsafe: false, maxStarts: 1, notAfterMs: undefined };
const vouched = { ok: true, signers: ["alice"], ...grants, replay };
const unsigned = { ok: true, signers: [], ...grants, replay: undefined };

/** The trust changes after admission, while the journal is written. */
function reloading(before: Trust, after: Trust): EngineOptions {
  let trust: Trust = before;
  const journal: ReplayJournal = {
    accept: () => {
      trust = after;
      return Promise.resolve(true);
    },
  };
  const admit: EngineOptions["admit"] = (runner) => {
    const { runnerId, runnerType } = runner;
    return createAdmit({ runnerId, runnerType, trust: () => trust });
  };
  return { journal, admit };
}
