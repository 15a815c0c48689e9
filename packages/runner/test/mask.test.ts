import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownTimeMs } from "../../../test/support/own-time.ts";
import { MaskPatterns, StreamMask } from "../src/mask.ts";

function masked(secrets: readonly string[], chunks: readonly string[]): { text: string; count: number } {
  const mask = new StreamMask(new MaskPatterns(secrets));
  const parts = chunks.map((chunk) => Buffer.from(mask.add(Buffer.from(chunk))));
  parts.push(Buffer.from(mask.finish()));
  return { text: Buffer.concat(parts).toString("utf8"), count: mask.count };
}

/** The plain definition: mark every byte of every occurrence, then write each marked run that began as one as `***`. */
function maskedByDefinition(secrets: readonly string[], text: string): string {
  const bytes = Buffer.from(text);
  const spans: [number, number][] = [];
  for (const secret of secrets.filter((one) => Buffer.byteLength(one) >= 6)) {
    for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) {
      spans.push([at, at + Buffer.byteLength(secret)]);
    }
  }
  spans.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let result = "";
  let shown = 0;
  let end = -1;
  for (const [from, to] of spans) {
    if (from >= end) {
      result += `${bytes.toString("latin1", shown, from)}***`;
      end = to;
    } else end = Math.max(end, to);
    shown = end;
  }
  return result + bytes.toString("latin1", shown);
}

describe("StreamMask", () => {
  it("replaces every occurrence and counts", () => {
    expect(masked(["hunter22"], ["a hunter22 b hunter22"])).toEqual({ text: "a *** b ***", count: 2 });
  });

  it("finds a secret however it is cut into chunks", () => {
    expect(masked(["hunter22"], "say hunter22!".split(""))).toEqual({ text: "say ***!", count: 1 });
  });

  it("shows the beginning of a secret that does not go on", () => {
    expect(masked(["hunter22"], ["hunter", "2", "1 hunt"]).text).toBe("hunter21 hunt");
  });

  it("prefers the longest", () => {
    expect(masked(["secret", "secret-and-more"], ["secret-and", "-more secret."])).toEqual({
      text: "*** ***.",
      count: 2,
    });
  });

  it("leaves nothing of overlapping secrets", () => {
    expect(masked(["abcdef", "defghi"], ["xabcdefghix"])).toEqual({ text: "x***x", count: 1 });
    expect(masked(["bcdefg", "abcdefgh"], ["abcdefg", "h abcdefgx"])).toEqual({
      text: "*** a***x",
      count: 2,
    });
  });

  it("writes one *** for a run of overlapping occurrences that never ends, and holds no more than it needs", () => {
    const mask = new StreamMask(new MaskPatterns(["aaaaaa"]));
    let shown = "";
    for (let index = 0; index < 1000; index += 1)
      shown += Buffer.from(mask.add(Buffer.from("aaaaaaa"))).toString();
    expect(shown).toBe("***");
    expect(Buffer.from(mask.add(Buffer.from("b"))).toString()).toBe("b");
  });

  it("does not mask values shorter than six bytes", () => {
    const patterns = new MaskPatterns(["", "1", "short"]);
    expect(patterns.isEmpty).toBe(true);
    expect(new MaskPatterns(["sixsix"]).isEmpty).toBe(false);
  });

  it("masks a secret of several lines as a whole and line by line", () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nx\n-----END KEY-----\n";
    expect(masked([key], [key]).text).toBe("***");
    expect(masked([key], ["log: MIIEvQIBADANBg\r\n  x\r\n"]).text).toBe("log: ***\r\n  x\r\n");
    expect(masked(["first line\r\nsecond line"], ["first line\nsecond line"]).text).toBe("***\n***");
  });

  it("masks bytes, not characters: a secret outside ASCII cut inside a character is found", () => {
    const secret = Buffer.from("žluťoučký");
    const mask = new StreamMask(new MaskPatterns([secret.toString()]));
    const shown = [secret.subarray(0, 1), secret.subarray(1)].map((chunk) => Buffer.from(mask.add(chunk)));
    expect(Buffer.concat([...shown, mask.finish()]).toString()).toBe("***");
  });

  it("does what the definition says, for any secrets and any cutting", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 });
    const chunks = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 30 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 4 }), chunks, (secrets, pieces) => {
        expect(masked(secrets, pieces).text).toBe(maskedByDefinition(secrets, pieces.join("")));
      }),
      { numRuns: 2000 },
    );
  });

  it("does the same in a long stream, where it searches by table", () => {
    const filler = "x".repeat(300_000);
    const pieces = ["a", "b", "aab", "babab", "abaaba", "bb", "ab"];
    const secrets = ["aabbab", "babaaba", "abaaba", "bbabbab"];
    let text = filler;
    for (let index = 0; index < 3000; index += 1) text += pieces[(index * 7 + (index >>> 3)) % pieces.length];
    const chunks = Array.from({ length: Math.ceil(text.length / 1001) }, (_, at) =>
      text.slice(at * 1001, (at + 1) * 1001),
    );
    expect(masked(secrets, chunks).text).toBe(maskedByDefinition(secrets, text));
    expect(masked(secrets, chunks).count).toBeGreaterThan(100);
  });

  it("stays quick with many long secrets that overlap each other", () => {
    const secrets = Array.from({ length: 200 }, (_, index) => "a".repeat(1000 + index));
    const mask = new StreamMask(new MaskPatterns(secrets));
    const chunk = Buffer.alloc(64 * 1024, "a");
    const startMs = ownTimeMs();
    for (let index = 0; index < 20; index += 1) mask.add(chunk);
    // A search that starts again at every byte would need minutes for this.
    expect(ownTimeMs() - startMs).toBeLessThan(5000);
  });
});
