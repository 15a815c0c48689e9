/** What is still known of the last while, and how much memory that takes. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { until } from "../../../test/support/until.ts";
import { RecentTexts } from "../src/recent-texts.ts";

describe("the texts of the last while", () => {
  it("come back as they were, oldest first", () => {
    const texts = new RecentTexts({ keepMs: 1_000, maxBytes: 10_000, monotonicMs: () => 0 });
    const added = ["", "plain", "ü\u{1F600}\0", "x".repeat(5_000)];
    for (const text of added) texts.add(text);
    expect(texts.all()).toEqual(added);
  });

  it("go when they are too old, each by itself", () => {
    let nowMs = 0;
    const texts = new RecentTexts({ keepMs: 1_000, maxBytes: 10_000, monotonicMs: () => nowMs });
    texts.add("old");
    nowMs = 1;
    texts.add("new");
    nowMs = 1_001;
    expect(texts.all()).toEqual(["new"]);
    nowMs = 1_002;
    expect(texts.all()).toEqual([]);
  });

  it("stay when one comes that is larger than all may be", () => {
    const texts = new RecentTexts({ keepMs: 1_000, maxBytes: 100, monotonicMs: () => 0 });
    texts.add("small");
    texts.add("x".repeat(100));
    expect(texts.all()).toEqual(["small"]);
  });

  it("are the newest of those that are not too old, all of them while they are few", () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(400), text: fc.string({ maxLength: 40 }) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 64, max: 4_000 }), (history, maxBytes) => {
        let nowMs = 0;
        const texts = new RecentTexts({ keepMs: 1_000, maxBytes, monotonicMs: () => nowMs });
        const added: { readonly text: string; readonly atMs: number }[] = [];
        for (const { waitMs, text } of history) {
          nowMs += waitMs;
          texts.add(text);
          if (Buffer.byteLength(text) + 12 <= maxBytes) added.push({ text, atMs: nowMs });
          const fresh = added.filter(({ atMs }) => atMs >= nowMs - 1_000).map((one) => one.text);
          const known = texts.all();
          expect(known).toEqual(known.length === 0 ? [] : fresh.slice(-known.length));
          const size = fresh.reduce((sum, one) => sum + Buffer.byteLength(one) + 12, 0);
          if (size <= maxBytes / 4) expect(known).toHaveLength(fresh.length);
        }
      }),
    );
  });

  it("hold no memory but their own, however many there were and whatever was made between them", async () => {
    const maxBytes = 1024 * 1024;
    const texts = new RecentTexts({ keepMs: 60_000, maxBytes, monotonicMs: () => 0 });
    const before = heldBytes();
    for (let at = 0; at < 10_000; at += 1) {
      texts.add(`${at} ${"x".repeat(500)}`);
      Buffer.from("y".repeat(3_000)); // of a pool, as the frames of sockets are
    }
    // The collector gives buffers back on a thread of its own, some time after it has run.
    await until(() => heldBytes() - before < 2 * maxBytes, "no more than the texts is held");
    expect(texts.all().length).toBeGreaterThan(1_900);
    expect(texts.all().at(-1)).toMatch(/^9999 x/);
  });
});

/** Of buffers, after the collector has run. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}
