import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../../test/support/until.ts";
import { FifoMaker } from "../../src/child/fifo-maker.ts";
import { isAlive, listPids, readStat } from "../../src/child/proc.ts";
import { signalProcess } from "../../src/child/signals.ts";

describe("FifoMaker", () => {
  let folder: string;
  let maker: FifoMaker;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "herorunner-fifos-"));
    maker = new FifoMaker();
  });
  afterEach(async () => {
    await maker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const shells = (): readonly number[] =>
    listPids().filter((pid) => {
      const stat = readStat(pid);
      if (!isAlive(stat) || stat.ppid !== process.pid) return false;
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("\0herorunner-fifos\0");
    });
  const isFifo = (name: string): boolean => statSync(join(folder, name)).isFIFO();

  it("makes as many private FIFOs as asked for", async () => {
    await maker.make(folder, 3);
    expect(["0", "1", "2"].map(isFifo)).toEqual([true, true, true]);
    expect(statSync(join(folder, "0")).mode & 0o777).toBe(0o600);
  });

  it("says what mkfifo could not do", async () => {
    await expect(maker.make(join(folder, "absent"), 1)).rejects.toMatchObject({ code: "EIO" });
    await maker.make(folder, 1);
  });

  it("starts again when somebody ended its shell", async () => {
    await maker.make(folder, 1);
    for (const pid of shells()) signalProcess(pid, "SIGKILL");
    await until(() => shells().length === 0, "the shell is gone");
    rmSync(join(folder, "0"));
    await maker.make(folder, 1);
    expect(isFifo("0")).toBe(true);
  });

  it.each(["with spaces", " around ", "two\nlines", "a\\back"])(
    "touches no other folder when a part of the path is %j",
    async (name) => {
      const fifos = join(folder, name, "herorunner-pipes");
      mkdirSync(fifos, { recursive: true });
      // What the first word, and the first line, of the path would be.
      const others = ["with", "two", "around"].map((other) => join(folder, other));
      for (const other of others) {
        mkdirSync(other, { recursive: true });
        writeFileSync(join(other, "somebody's"), "");
      }
      const made = maker.make(fifos, 2).then(
        () => existsSync(join(fifos, "1")),
        () => "refused",
      );
      expect(await made).toBe(name.includes("\n") ? "refused" : true);
      await maker.close();
      for (const other of others) expect(existsSync(join(other, "somebody's"))).toBe(true);
    },
  );

  it("refuses a folder with a newline by name, and leaves the empty one that its first line names", async () => {
    const [first, fifos] = [join(folder, "two"), join(folder, "two\nlines")];
    for (const each of [first, fifos]) mkdirSync(each);
    await expect(maker.make(fifos, 2)).rejects.toMatchObject({
      code: "EINVAL",
      message: expect.stringContaining(JSON.stringify(fifos)) as string,
    });
    await maker.close();
    expect(readdirSync(folder)).toEqual(["two", "two\nlines"]);
  });

  it("removes what it has made when nobody did, and nothing else", async () => {
    const [left, shared] = ["left", "shared"].map((name) => join(folder, name));
    for (const each of [left, shared]) {
      mkdirSync(each ?? "");
      await maker.make(each ?? "", 2);
      if (each === shared) writeFileSync(join(shared ?? "", "somebody's"), "");
      await maker.close();
    }
    expect(existsSync(left ?? "")).toBe(false);
    expect(readdirSync(shared ?? "")).toEqual(["somebody's"]);
  });

  it("leaves no shell when it is closed", async () => {
    await maker.make(folder, 1);
    expect(shells()).toHaveLength(1);
    await maker.close();
    expect(shells()).toEqual([]);
  });
});
