import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ReplayGuard } from "@herorunner/job";
import { FileReplayJournal } from "../src/replay-journal.ts";

const hourMs = 3_600_000;
const startMs = 500_000 * hourMs;

interface Setup {
  readonly folder: string;
  readonly clock: { nowMs: number };
  readonly open: () => Promise<FileReplayJournal>;
}

async function setup(): Promise<Setup> {
  const folder = join(await mkdtemp(join(tmpdir(), "herorunner-journal-")), "replay");
  onTestFinished(() => rm(join(folder, ".."), { recursive: true, force: true }));
  const clock = { nowMs: startMs };
  return { folder, clock, open: () => FileReplayJournal.open({ folder, now: () => clock.nowMs }) };
}

function guardOf(content: string, changes: Partial<ReplayGuard> = {}): ReplayGuard {
  const digest = createHash("sha256").update(content).digest("hex");
  return { digest, maxStarts: 1, untilMs: startMs + hourMs, guardMs: hourMs, ...changes };
}

async function logFile(folder: string): Promise<string> {
  const [name] = (await readdir(folder)).filter((one) => one.endsWith(".log"));
  return join(folder, name ?? "none");
}

describe("the replay journal", () => {
  it("accepts a job once, and remembers that over a restart", async () => {
    const { open } = await setup();
    const journal = await open();
    expect(await journal.accept(guardOf("a"))).toBe(true);
    expect(await journal.accept(guardOf("a"))).toBe(false);
    expect(await journal.accept(guardOf("b"))).toBe(true);
    const restarted = await open();
    expect(await restarted.accept(guardOf("a"))).toBe(false);
    expect(await restarted.accept(guardOf("c"))).toBe(true);
  });

  it("makes its folder and those above it for its user alone, also when several do", async () => {
    const { folder } = await setup();
    const deep = join(folder, "web-1", "replay");
    const open = () => FileReplayJournal.open({ folder: deep, now: () => startMs });
    await Promise.all([open(), open(), open()]);
    for (const made of [folder, join(folder, "web-1"), deep])
      expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it("says so where no folder can be made, and does not try for ever", async () => {
    const open = (folder: string) => FileReplayJournal.open({ folder, now: () => startMs });
    await expect(open("/proc/no-such-process/web-1/replay")).rejects.toMatchObject({ code: "ENOENT" });
    const { folder } = await setup();
    await writeFile(folder, "a file");
    await expect(open(folder)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(open(join(folder, "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it("accepts as many starts as the signers allow", async () => {
    const { open } = await setup();
    const guard = guardOf("a", { maxStarts: 3 });
    for (const expected of [true, true, true, false])
      expect(await (await open()).accept(guard)).toBe(expected);
  });

  it("lets one of many win when all ask at once, in one journal and across several", async () => {
    const { open } = await setup();
    const journals = await Promise.all([open(), open(), open()]);
    for (let round = 0; round < 20; round += 1) {
      const guard = guardOf(`round ${round}`, { maxStarts: 2 });
      const asked = journals.flatMap((journal) => [journal.accept(guard), journal.accept(guard)]);
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(2);
    }
  });

  it("lets one process win among several on one host", async () => {
    const { folder } = await setup();
    const child = new URL("journal-child.ts", import.meta.url).pathname;
    const run = async (): Promise<string[]> => {
      const started = spawn(process.execPath, ["--import", "tsx", child, folder, String(startMs), "60"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      started.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      expect(await once(started, "close")).toEqual([0, null]);
      return out.split("\n").filter((line) => line !== "");
    };
    const accepted = (await Promise.all([run(), run(), run()])).flat();
    expect(accepted.sort()).toEqual(Array.from({ length: 60 }, (_, at) => `job ${at}`).sort());
  });

  it("survives a line that a crash cut short, at any byte", async () => {
    const { open, folder } = await setup();
    await (await open()).accept(guardOf("a"));
    const file = await logFile(folder);
    const line = await readFile(file, "utf8");
    for (const cut of [0, 1, 2, 40, 65, 66, 82, 83, line.length - 1]) {
      await writeFile(file, line + line.slice(0, cut));
      const journal = await open();
      expect([cut, await journal.accept(guardOf("a"))]).toEqual([cut, false]);
      expect([cut, await journal.accept(guardOf("b"))]).toEqual([cut, true]);
      expect([cut, await journal.accept(guardOf("b"))]).toEqual([cut, false]);
      expect([cut, await (await open()).accept(guardOf("b"))]).toEqual([cut, false]);
    }
  });

  it("takes nothing for a line that is not one", async () => {
    const { open, folder } = await setup();
    const journal = await open();
    await journal.accept(guardOf("a"));
    const other = guardOf("b").digest;
    await appendFile(
      await logFile(folder),
      `\n${other} ${"0".repeat(16)} ${"0".repeat(8)}\n\0\0\0\n${"x".repeat(3000)}`,
    );
    expect(await journal.accept(guardOf("b"))).toBe(true);
    expect(await (await open()).accept(guardOf("b"))).toBe(false);
  });

  it("sees what another process wrote while its own line was half there", async () => {
    const { open, folder } = await setup();
    const [one, two] = [await open(), await open()];
    await one.accept(guardOf("a"));
    const file = await logFile(folder);
    const whole = await readFile(file, "utf8");
    await appendFile(file, whole.slice(0, 50));
    expect(await two.accept(guardOf("c"))).toBe(true);
    await appendFile(file, whole.slice(0, 50));
    expect(await one.accept(guardOf("c"))).toBe(false);
    await appendFile(file, whole.slice(50));
    expect(await two.accept(guardOf("a", { maxStarts: 2 }))).toBe(false);
  });

  it("reads a file of many starts in pieces", async () => {
    const { open } = await setup();
    const journal = await open();
    const many = Array.from({ length: 15_000 }, (_, at) => guardOf(`job ${at}`));
    expect((await Promise.all(many.map((guard) => journal.accept(guard)))).every(Boolean)).toBe(true);
    const restarted = await open();
    const again = await Promise.all(many.map((guard) => restarted.accept(guard)));
    expect(again.some(Boolean)).toBe(false);
  });

  it("does not grow when a job is replayed again and again", async () => {
    const { open, folder } = await setup();
    const journal = await open();
    await journal.accept(guardOf("a"));
    const file = await logFile(folder);
    const before = (await stat(file)).size;
    for (let at = 0; at < 50; at += 1) await journal.accept(guardOf("a"));
    expect((await stat(file)).size).toBe(before);
  });

  it("forgets what has expired, and what it forgot stays closed when the clock is set back", async () => {
    const { open, folder, clock } = await setup();
    const journal = await open();
    expect(await journal.accept(guardOf("a"))).toBe(true);
    clock.nowMs = startMs + 27 * hourMs;
    expect(await journal.accept(guardOf("b", { untilMs: clock.nowMs + hourMs }))).toBe(true);
    expect(await journal.accept(guardOf("a"))).toBe(false);
    clock.nowMs = startMs + 28 * hourMs;
    expect(await journal.accept(guardOf("c", { untilMs: clock.nowMs + hourMs }))).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["floor", "h-500028.log", "h-500029.log"]);
    clock.nowMs = startMs;
    expect(await journal.accept(guardOf("a"))).toBe(false);
    expect(await (await open()).accept(guardOf("a"))).toBe(false);
    expect(await (await open()).accept(guardOf("new", { untilMs: startMs + 6 * hourMs }))).toBe(true);
  });

  it("remembers a start that an earlier build wrote, which added max_skew_s to the hour, of a day at most", async () => {
    const { open } = await setup();
    const early = await open();
    const at = (hours: number) => ({ untilMs: startMs + hours * hourMs });
    for (const hours of [1, 2, 24]) expect(await early.accept(guardOf(`${hours}`, at(hours)))).toBe(true);
    expect(await early.accept(guardOf("another job", at(25)))).toBe(true);
    for (const journal of [early, await open()])
      for (const hours of [1, 2, 24])
        expect([hours, await journal.accept(guardOf(`${hours}`, at(0)))]).toEqual([hours, false]);
    expect(await early.accept(guardOf("another job", at(0)))).toBe(true);
    expect(await early.accept(guardOf("new", at(0)))).toBe(true);
    expect(await (await open()).accept(guardOf("new", at(0)))).toBe(false);
  });

  it("sees the files that other processes make while it knows those that were there", async () => {
    const { folder, open } = await setup();
    const [journal, other] = [await open(), await open()];
    expect(await journal.accept(guardOf("a"))).toBe(true);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(folder, longAgo, longAgo);
    expect(await journal.accept(guardOf("b"))).toBe(true);
    // As an earlier build writes it.
    expect(await other.accept(guardOf("c", { untilMs: startMs + 2 * hourMs }))).toBe(true);
    expect(await journal.accept(guardOf("c"))).toBe(false);
    expect(await journal.accept(guardOf("d"))).toBe(true);
  });

  it("remembers a start for a day after its end, for a max_skew_s that was raised meanwhile", async () => {
    const { open, clock } = await setup();
    const journal = await open();
    expect(await journal.accept(guardOf("a", { maxStarts: 2 }))).toBe(true);
    clock.nowMs = startMs + 25 * hourMs;
    for (const one of [journal, await open()]) {
      expect(await one.accept(guardOf("a"))).toBe(false);
      expect(await one.accept(guardOf(`b ${clock.nowMs++}`))).toBe(true);
    }
    expect(await journal.accept(guardOf("a", { maxStarts: 2 }))).toBe(true);
  });

  it("an hour that another process has closed stays closed, too, when the clock is set back", async () => {
    const { open, clock } = await setup();
    const [first, second, idle] = [await open(), await open(), await open()];
    expect(await first.accept(guardOf("a"))).toBe(true);
    clock.nowMs += 29 * hourMs;
    expect(await second.accept(guardOf("b", { untilMs: clock.nowMs + hourMs }))).toBe(true);
    clock.nowMs = startMs;
    expect(await idle.accept(guardOf("a"))).toBe(false);
    expect(await idle.accept(guardOf("c", { untilMs: startMs + 9 * hourMs }))).toBe(true);
  });

  it("lets one win at most when a job of version 1 is started by two processes around midnight", async () => {
    const { folder, open, clock } = await setup();
    const before = await open();
    const after = await FileReplayJournal.open({ folder, now: () => clock.nowMs + 24 * hourMs });
    for (let round = 0; round < 10; round += 1) {
      const guard = guardOf(`round ${round}`, { untilMs: undefined });
      const accepted = await Promise.all([before.accept(guard), after.accept(guard)]);
      expect(accepted.filter((one) => one).length).toBeLessThanOrEqual(1);
      const alone = round % 2 === 0 ? before : after;
      expect(await alone.accept(guardOf(`alone ${round}`, { untilMs: undefined }))).toBe(true);
    }
  });

  it("remembers starts of version 1, which never expire, for thirty days", async () => {
    const { open, clock } = await setup();
    const v1 = guardOf("old", { untilMs: undefined });
    const journal = await open();
    expect(await journal.accept(v1)).toBe(true);
    for (const day of [0, 1, 15, 30]) {
      clock.nowMs = startMs + day * 24 * hourMs;
      expect([day, await journal.accept(v1), await (await open()).accept(v1)]).toEqual([day, false, false]);
    }
  });

  it("is readable by its own user alone", async () => {
    const { open, folder } = await setup();
    await (await open()).accept(guardOf("a"));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(await logFile(folder))).mode & 0o777).toBe(0o600);
  });

  it("rejects when the disk does not take the line, and works again when it does", async () => {
    const { open, folder } = await setup();
    const journal = await open();
    const blocked = join(folder, "h-500001.log");
    await mkdir(blocked);
    await expect(journal.accept(guardOf("a"))).rejects.toThrow(/EISDIR/);
    await rm(blocked, { recursive: true });
    expect(await journal.accept(guardOf("a"))).toBe(true);
  });

  it("does not open where it cannot write", async () => {
    const { folder } = await setup();
    await writeFile(folder, "a file");
    await expect(FileReplayJournal.open({ folder, now: () => startMs })).rejects.toThrow("EEXIST");
    await rm(folder);
    await mkdir(folder);
    await writeFile(join(folder, "floor"), "");
    await expect(FileReplayJournal.open({ folder, now: () => startMs })).rejects.toThrow(
      "does not hold a number",
    );
  });
});
