import { expect, it } from "vitest";
import { type Battlefield, Nemesis } from "./nemesis.ts";
import { seeded } from "./random.ts";

it("gives up a deed for which there is never anybody, and counts it as not done", async () => {
  const nobody = { berths: [], random: seeded(1), quietMs: 0, say: () => undefined };
  const redis = { kill: () => Promise.resolve(), start: () => Promise.resolve(), freeze() {}, thaw() {} };
  const clients = { pushAgain: () => Promise.resolve() };
  const watch = { disturbed: () => undefined };
  const nemesis = new Nemesis({ ...nobody, redis, clients, watch } as unknown as Battlefield);
  const over = new AbortController();
  await nemesis.run(50, over, 500);
  expect(over.signal.aborted).toBe(true);
  expect(nemesis.counts.get("kill runner")).toBe(0);
});
