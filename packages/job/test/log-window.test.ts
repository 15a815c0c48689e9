import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogWindow } from "../src/log-window.ts";

describe("LogWindow", () => {
  it("keeps at most 10 000 entries", () => {
    const window = new LogWindow();
    for (let i = 0; i < 25_000; i += 1) window.add(1);
    expect(window.keptEntries).toBe(10_000);
  });

  it("keeps at most 4 MiB, and always the newest entry", () => {
    const window = new LogWindow();
    for (let i = 0; i < 5; i += 1) window.add(1024 * 1024);
    expect(window.keptEntries).toBe(4);
    window.add(5 * 1024 * 1024);
    expect(window.keptEntries).toBe(1);
  });

  it("keeps as many of the newest entries as fit", () => {
    const sizes = fc.array(fc.nat({ max: 2 * 1024 * 1024 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(sizes, (sizes) => {
        const window = new LogWindow();
        for (const size of sizes) window.add(size);
        let fit = 1;
        let bytes = sizes.at(-1) ?? 0;
        for (const size of sizes.slice(0, -1).toReversed()) {
          bytes += size;
          if (bytes > 4 * 1024 * 1024) break;
          fit += 1;
        }
        expect(window.keptEntries).toBe(fit);
      }),
    );
  });
});
