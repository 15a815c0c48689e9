/** Foreign text on a terminal, for every text there is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonLine, visible } from "../src/visible.ts";

// Written without the code's own expression: everything that could act on a terminal or turn the direction of text.
const acting = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom(
      "\u001b",
      "\u009b",
      "\r",
      "\n",
      "\t",
      "\u202e",
      "\u2066",
      "[",
      "a",
      "\\",
      '"',
      "\u007f",
    ),
  }),
);

test("nothing that acts is left, and text without it stays as it is", () => {
  fc.assert(
    fc.property(text, (foreign) => {
      expect(visible(foreign)).not.toMatch(acting);
      if (!acting.test(foreign)) expect(visible(foreign)).toBe(foreign);
    }),
  );
});

test("a JSON value means the same and holds nothing that acts", () => {
  fc.assert(
    fc.property(text, (foreign) => {
      const line = jsonLine({ [foreign]: foreign });
      expect(line.slice(0, -1)).not.toMatch(acting);
      expect(JSON.parse(line)).toEqual({ [foreign]: foreign });
    }),
  );
});

test("control characters are named as people know them", () => {
  expect(visible("\u0000\u0007\u001b[31m\r\n\t\u007f\u0085\u202e")).toBe("^@^G^[[31m^M\n\t^?\\u0085\\u202e");
});
