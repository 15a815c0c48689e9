/** What the engine does for jobs whose signatures counted: journal, replay guard, dates. Admission is stood in for. */
import { finished, type ReplayGuard, type VerifiedJob } from "@herorunner/job";
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
