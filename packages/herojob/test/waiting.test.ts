/** What a wait shows and how long it may last, without any job. */
import type { JobView, LogLine } from "@herorunner/job";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { abortAfter } from "../src/abort-after.ts";
import { LiveOutput } from "../src/live-output.ts";
import { Progress } from "../src/progress.ts";
import type { OutputPort } from "../src/shell.ts";
import { hereShell } from "./support/here.ts";

const dayMs = 86_400_000;

describe("a time that is longer than a timer can last", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("aborts when it is up, not at once", async () => {
    const { signal } = abortAfter(60 * dayMs);
    await vi.advanceTimersByTimeAsync(60 * dayMs - 1);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal.aborted).toBe(true);
  });

  it("leaves no timer when it is stopped, nor without a time", async () => {
    const later = abortAfter(60 * dayMs);
    await vi.advanceTimersByTimeAsync(30 * dayMs);
    later.stop();
    abortAfter(undefined);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the progress line", () => {
  const draw = (columns: number | undefined): string => {
    let text = "";
    const port: OutputPort = {
      isTerminal: true,
      columns: () => columns,
      write: (more) => {
        text += more;
        return Promise.resolve();
      },
    };
    const progress = new Progress(port, true);
    progress.show("job adf55750-8b24-486e-a8af-5d4bab7fa50f waits for runner web-123");
    progress.hide();
    return text.replaceAll("\r\u001b[K", "");
  };

  it("never wraps, for what has wrapped cannot be taken away", () => {
    expect(draw(40)).toBe("…d4bab7fa50f waits for runner web-123 …");
    expect(draw(2)).toHaveLength(1);
  });

  it("is whole where it fits, or where the width is not known", () => {
    for (const columns of [120, 0, undefined]) expect(draw(columns)).toMatch(/runner web-123 …$/);
  });
});

describe("what was not shown of a job's output", () => {
  const line = (stream: "out" | "err", offset: number, data: string): LogLine => ({
    ...{ stream, offset, data },
    ...{ seq: 1, timeMs: 0 },
  });
  const missing = async (lines: readonly LogLine[], job: Partial<JobView>): Promise<[number, number]> => {
    const live = new LiveOutput(hereShell().shell, false);
    for (const one of lines) await live.show(one);
    const view = job as JobView; // nothing else of it is looked at
    return [live.missing("out", view), live.missing("err", view)];
  };

  it("is counted on both streams", async () => {
    const lines = [line("out", 0, "one\n"), line("err", 0, "uno\n")];
    const job = { result: "one\ntwo\n", stderr: "uno\ndos\ntres\n", stdoutBytes: 8, stderrBytes: 13 };
    expect(await missing(lines, job)).toEqual([4, 9]);
  });

  it("is nothing of a stream that is shown at the end", async () => {
    expect(await missing([], { result: "one\n", stderr: "uno\n", stdoutBytes: 4, stderrBytes: 4 })).toEqual([
      0, 0,
    ]);
  });

  it("is nothing where the job wrote more than is stored: secrets are masked", async () => {
    const lines = [line("out", 0, "one\n***\n"), line("out", 8, "two\n")];
    expect(await missing(lines, { result: "one\n***\ntwo\n", stdoutBytes: 40 })).toEqual([0, 0]);
  });

  it("is counted where what is stored is longer than what was written: bytes that are no UTF-8", async () => {
    const lines = [line("out", 0, "\ufffd\ufffd\ufffd"), line("out", 3, "\ufffd")];
    const result = `${"\ufffd".repeat(4)}end\n`;
    expect(await missing(lines, { result, stdoutBytes: 8 })).toEqual([4, 0]);
  });

  it("is what the last attempt wrote, not all of them together", async () => {
    const lines = [line("out", 0, "first attempt\n"), line("out", 0, "second\n")];
    expect(await missing(lines, { result: "second\nend\n", stdoutBytes: 11 })).toEqual([4, 0]);
  });

  it("does not count what is left out in the middle and was told", async () => {
    const lines = [line("out", 0, "one\n"), line("out", 8, "three\n")];
    expect(await missing(lines, { result: "one\ntwo\nthree\n", stdoutBytes: 14 })).toEqual([0, 0]);
  });

  it("is judged by the end where not all is stored either", async () => {
    const lines = [line("out", 0, "one\n"), line("out", 4, "***\n")];
    const stored = { result: "on\n… [9 bytes left out] …\n\n***\n", stdoutBytes: 90, droppedBytes: 9 };
    expect(await missing(lines, stored)).toEqual([0, 0]);
    const more = { ...stored, result: `${stored.result}end\n` };
    expect(await missing(lines, more)).toEqual([82, 0]);
  });
});
