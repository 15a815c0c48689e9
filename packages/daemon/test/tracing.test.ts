import { expect, test } from "vitest";
import { parseTraceparent, traceClock } from "../src/index.ts";
import { traceparentOf } from "../src/tracing/traceparent.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

test("a traceparent is read and written again as it was", () => {
  for (const flags of ["00", "01"]) {
    const text = `00-${trace}-${span}-${flags}`;
    const place = parseTraceparent(text);
    expect(place).toEqual({ traceId: trace, spanId: span, sampled: flags === "01" });
    expect(traceparentOf(place!)).toBe(text);
  }
});

test("of other flags only that for keeping counts, and of later versions the part that all have", () => {
  expect(parseTraceparent(`00-${trace}-${span}-03`)?.sampled).toBe(true);
  expect(parseTraceparent(`00-${trace}-${span}-02`)?.sampled).toBe(false);
  expect(parseTraceparent(`cc-${trace}-${span}-01-what-is-to-come`)?.spanId).toBe(span);
});

test.each([
  undefined,
  "",
  "nonsense",
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01-more`,
  `00-${trace}-${span}-01\n`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `ff-${trace}-${span}-01`,
  `00-${"0".repeat(32)}-${span}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
])("%j is no traceparent", (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test("the clock of a trace begins at the wall clock and never goes back", () => {
  const before = Date.now();
  const now = traceClock();
  const read = Array.from({ length: 100 }, now);
  expect(read[0]).toBeGreaterThanOrEqual(before);
  expect(read.toSorted((a, b) => a - b)).toEqual(read);
});
