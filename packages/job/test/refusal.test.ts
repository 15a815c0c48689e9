import { ErrorReply } from "@redis/client";
import { describe, expect, test } from "vitest";
import { refusalWord, toQueueError } from "../src/redis/refusal.ts";

const told = (words: string, url = "redis://h:6379"): string =>
  toQueueError(new ErrorReply(words), `Redis at ${url}`).message;

describe("a refusal of Redis, told to people", () => {
  test("keeps Redis's own words without their full stop, so that a sentence can go on", () => {
    const words = "OOM command not allowed when used memory > 'maxmemory'.";
    expect(told(words)).toBe(`Redis at redis://h:6379 refuses: ${words.slice(0, -1)}`);
    expect(refusalWord(toQueueError(new ErrorReply(words)))).toBe("OOM");
  });

  test.each([
    ["NOREPLICAS Not enough good replicas to write.", /min-replicas-to-write$/],
    ["READONLY You can't write against a read only replica.", /name its master, or use redis\+sentinel/],
    ["MOVED 15366 127.0.0.1:17505", /name it with redis\+cluster/],
  ])("says what mends %s", (words, step) => {
    expect(told(words)).toMatch(step);
  });

  test.each(["redis+sentinel://h:26379/main", "rediss+cluster://h:6379"])(
    "sends nobody away from %s for what passes there",
    (url) => {
      for (const words of ["READONLY You can't write.", "MOVED 1 h:1"]) {
        expect(told(words, url)).not.toContain("; ");
      }
    },
  );

  test("shows no arguments of a command that the server does not know", () => {
    expect(told("ERR unknown command 'X', with args beginning with: 'SECRET' ")).not.toContain("SECRET");
  });
});
