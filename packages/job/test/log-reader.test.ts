/** How a follower of a log waits: for the next entry in Redis, and for the end by looking at the status now and then. */
import { expect, it } from "vitest";
import { followLog, keysOf, type RedisConnection, type Reply } from "../src/index.ts";

/** Answers what the script says, one step a command; notes how long each wait for entries may take. */
function scripted(steps: readonly { readonly status: string; readonly entries: number }[]) {
  const waits: number[] = [];
  let at = 0;
  let seq = 0;
  const send = (command: readonly string[]): Promise<Reply> => {
    const { status, entries } = steps[at] ?? { status: "finished", entries: 0 };
    if (command[0] === "HGET") return Promise.resolve(Buffer.from(status));
    at += 1;
    const block = command.indexOf("BLOCK");
    if (block >= 0) waits.push(Number(command[block + 1]));
    const found = Array.from({ length: entries }, (): Reply => {
      seq += 1;
      const fields = ["stream", "out", "seq", String(seq), "offset", "0", "data", "x"];
      return [Buffer.from(`${seq}-0`), fields.map((text) => Buffer.from(text))];
    });
    return Promise.resolve(found.length === 0 ? null : [[Buffer.from("log"), found]]);
  };
  // followLog uses nothing else of a connection.
  return { waits, connection: { send, drop: () => undefined } as unknown as RedisConnection };
}

it("looks at the status soon after an entry, and less and less often while nothing comes", async () => {
  const quiet = { status: "started", entries: 0 };
  const { waits, connection } = scripted([
    ...Array.from({ length: 9 }, () => quiet),
    { status: "started", entries: 2 },
    quiet,
    quiet,
    { status: "finished", entries: 1 },
  ]);
  const seen: number[] = [];
  for await (const line of followLog(connection, keysOf("r"), "a")) seen.push(line.seq);
  expect(seen).toEqual([1, 2, 3]);
  expect(waits.slice(0, 3)).toEqual([50, 80, 128]);
  expect(waits.slice(7, 9)).toEqual([1_000, 1_000]);
  expect(waits.slice(10)).toEqual([50, 80]);
});
