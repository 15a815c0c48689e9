/** A process that asks the journal for the same jobs as its siblings and prints those it may start. */
import { createHash } from "node:crypto";
import { FileReplayJournal } from "../src/replay-journal.ts";

const [folder = "", startMs = "", count = ""] = process.argv.slice(2);
const journal = await FileReplayJournal.open({ folder, now: () => Number(startMs) });
for (let at = 0; at < Number(count); at += 1) {
  const digest = createHash("sha256").update(`job ${at}`).digest("hex");
  const guard = { digest, maxStarts: 1, untilMs: Number(startMs) + 3_600_000, guardMs: 3_600_000 };
  if (await journal.accept(guard)) process.stdout.write(`job ${at}\n`);
}
