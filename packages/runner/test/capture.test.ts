import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Capture, defaultCaptureLimits, leftOutLine } from "../src/capture.ts";

const limits = { headBytes: 16, tailBytes: 8 };

function captured(chunks: readonly Uint8Array[], using = limits): ReturnType<Capture["finish"]> {
  const capture = new Capture(using);
  for (const chunk of chunks) capture.add(chunk);
  return capture.finish();
}

describe("Capture", () => {
  it("keeps 512 KiB of the head and of the tail by default", () => {
    expect(defaultCaptureLimits).toEqual({ headBytes: 524_288, tailBytes: 524_288 });
  });

  it("keeps everything that fits into head and tail, exactly", () => {
    const text = "0123456789abcdefTAILTAIL";
    expect(captured([Buffer.from(text)])).toMatchObject({ text, bytes: 24, droppedBytes: 0 });
  });

  it("puts a line between head and tail that tells how much is missing", () => {
    const { text, droppedBytes } = captured([Buffer.from("0123456789abcdef......TAILTAIL")]);
    expect(text).toBe("0123456789abcdef\n… [6 bytes left out] …\nTAILTAIL");
    expect(droppedBytes).toBe(6);
  });

  it("cuts at the borders of characters and counts the cut bytes as left out", () => {
    // 4-byte characters: the head of 16 ends inside the fifth, the tail of 8 begins inside one.
    const { text, droppedBytes } = captured([Buffer.from(`ab${"🐎".repeat(10)}c`)]);
    expect(text).toBe(`ab🐎🐎🐎${leftOutLine(24)}🐎c`);
    expect(droppedBytes).toBe(24);
  });

  it("does not keep the caller's buffer", () => {
    const capture = new Capture(limits);
    const buffer = Buffer.from("first");
    capture.add(buffer);
    buffer.write("XXXXX");
    expect(capture.finish().text).toBe("first");
  });

  it("can keep a head alone, a tail alone or nothing", () => {
    const bytes = Buffer.from("abcdef");
    expect(captured([bytes], { headBytes: 2, tailBytes: 0 }).text).toBe(`ab${leftOutLine(4)}`);
    expect(captured([bytes], { headBytes: 0, tailBytes: 2 }).text).toBe(`${leftOutLine(4)}ef`);
    expect(captured([bytes], { headBytes: 0, tailBytes: 0 }).text).toBe(leftOutLine(6));
  });

  it("answers for any cutting into chunks what it answers for the whole, and never more than it may", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }), (chunks) => {
        const whole = Buffer.concat(chunks);
        const result = captured(chunks);
        expect(result).toEqual(captured([whole]));
        expect(result.bytes).toBe(whole.length);
        expect(result.sha256).toBe(createHash("sha256").update(whole).digest("hex"));
        if (result.droppedBytes === 0) {
          expect(result.text).toBe(whole.toString("utf8"));
          return;
        }
        const [head = "", tail = ""] = result.text.split(leftOutLine(result.droppedBytes));
        const keptHead = whole.subarray(0, 16);
        const keptTail = whole.subarray(whole.length - 8);
        expect(keptHead.toString("utf8").startsWith(head)).toBe(true);
        expect(keptTail.toString("utf8").endsWith(tail)).toBe(true);
        expect(whole.length - result.droppedBytes).toBeGreaterThanOrEqual(16 + 8 - 6);
      }),
    );
  });

  it("never splits a valid character, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 20, maxLength: 60 }), (text) => {
        const result = captured([Buffer.from(text)]);
        expect(result.text.includes("\ufffd")).toBe(text.includes("\ufffd"));
      }),
    );
  });
});
