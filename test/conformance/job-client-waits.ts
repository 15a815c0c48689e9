/** What JobApi means where a client waits: for an end, and for the lines of a log. */
import type { JobApi, LogLine } from "@herorunner/job";
import { beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { type ClientBench, codeOf } from "./client-bench.ts";

/** `opened` answers the bench of the suite around it, once its tests run. */
export function waitsAndLogs(opened: () => ClientBench): void {
  describe("while it waits", () => {
    let bench: ClientBench;
    let api: JobApi;
    let runner: string;
    beforeAll(() => {
      bench = opened();
      ({ api } = bench);
      runner = bench.runner.runnerId;
    });

    test("a wait that is too short throws WAIT_TIMEOUT and leaves the job alone", async () => {
      const { id } = await api.submit({ runner, payload: "wait\nprint done" });
      expect(await codeOf(api.wait(id, { timeoutMs: 60 }))).toBe("WAIT_TIMEOUT");
      bench.runner.release(id);
      expect(await api.wait(id)).toMatchObject({ status: "finished" });
    });

    test("a wait can be aborted, before and while it waits", async () => {
      const { id } = await api.submit({ runner: bench.idle, payload: "print never" });
      const why = new Error("had enough");
      await expect(api.wait(id, { runner: bench.idle, signal: AbortSignal.abort(why) })).rejects.toBe(why);
      const abort = new AbortController();
      const wait = api.wait(id, {
        runner: bench.idle,
        signal: abort.signal,
        onStatus: () => abort.abort(why),
      });
      await expect(wait).rejects.toBe(why);
      expect(await api.cancel(id, { runner: bench.idle })).toBe("cancelled");
    });

    test("many waits and logs may share one signal, and Node warns of no leak", async () => {
      const { id } = await api.submit({ runner: bench.idle, payload: "print never" });
      const warnings: string[] = [];
      const warn = (warning: Error): void => void warnings.push(warning.name);
      process.on("warning", warn);
      const why = new Error("had enough");
      const abort = new AbortController();
      const named = { runner: bench.idle, signal: abort.signal };
      const count = 20;
      let seen = 0;
      const ends = Array.from({ length: count }, () => [
        api.wait(id, { ...named, onStatus: () => void (seen += 1) }),
        api.logs(id, named).next(),
      ]).flatMap((pair) => pair.map((end) => end.catch((error: unknown) => error)));
      await until(() => seen === count, "all have seen the job");
      abort.abort(why);
      expect(new Set(await Promise.all(ends))).toEqual(new Set([why]));
      process.off("warning", warn);
      expect(warnings).toEqual([]);
      await api.cancel(id, { runner: bench.idle });
    });

    test("tells the states that it sees while it waits, the last one included", async () => {
      const { id } = await api.submit({ runner, payload: "wait" });
      const seen: string[] = [];
      const release = (status: string): void => {
        seen.push(status);
        if (status === "started") bench.runner.release(id);
      };
      await api.wait(id, { onStatus: (job) => release(job.status) });
      expect(seen.at(-1)).toBe("finished");
      expect(new Set(seen).size).toBe(seen.length);
    });

    test("cancels what waits at once, what runs through its runner, and what is over not at all", async () => {
      const waiting = await api.submit({ runner: bench.idle, payload: "print never" });
      expect(await api.cancel(waiting.id)).toBe("cancelled");
      expect(await api.get(waiting.id)).toMatchObject({ status: "error", reason: "cancelled", attempt: 0 });

      const running = await api.submit({ runner, payload: "wait" });
      const started = new Promise<void>((resolve) => {
        void api.wait(running.id, { onStatus: (job) => job.status === "started" && resolve() });
      });
      await started;
      expect(await api.cancel(running.id)).toBe("requested");
      const job = await api.wait(running.id);
      expect(job).toMatchObject({ status: "error", reason: "cancelled" });
      expect(job.kill).toMatchObject({
        reason: "cancelled",
        survivors: [],
        found: [{ pid: 4711, via: "group" }],
      });
      expect(await api.cancel(running.id)).toBe("final");
    });

    test("gives every line of the live log once, in order, from wherever it is asked", async () => {
      const payload = ["print one", "warn two", "wait", "print three"].join("\n");
      const { id } = await api.submit({ runner, payload });
      const lines: LogLine[] = [];
      for await (const line of api.logs(id)) {
        lines.push(line);
        if (line.data.includes("two")) bench.runner.release(id);
      }
      const text = (stream: string): string =>
        lines
          .filter((one) => one.stream === stream)
          .map((one) => one.data)
          .join("");
      expect([text("out"), text("err")]).toEqual(["one\nthree\n", "two\n"]);
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, at) => at + 1));
      expect(lines.every(({ timeMs }) => timeMs > 1_600_000_000_000)).toBe(true);
      const rest: LogLine[] = [];
      for await (const line of api.logs(id, { afterSeq: lines[0]?.seq ?? 0 })) rest.push(line);
      expect(rest).toEqual(lines.slice(1));
    });

    test("a log that is not followed ends with what is there", async () => {
      const { id } = await api.submit({ runner, payload: "print here\nwait" });
      for await (const line of api.logs(id)) if (line.data === "here\n") break;
      const lines: string[] = [];
      for await (const { data } of api.logs(id, { follow: false })) lines.push(data);
      expect(lines).toEqual(["here\n"]);
      bench.runner.release(id);
      await api.wait(id);
    });

    test("following a log can be aborted", async () => {
      const { id } = await api.submit({ runner, payload: "print first\nwait" });
      const why = new Error("seen enough");
      const abort = new AbortController();
      const follow = async (): Promise<void> => {
        for await (const line of api.logs(id, { signal: abort.signal })) if (line.seq > 0) abort.abort(why);
      };
      await expect(follow()).rejects.toBe(why);
      bench.runner.release(id);
      await api.wait(id);
    });

    test("following the log of a job that is deleted meanwhile ends as NOT_FOUND, as a wait does", async () => {
      const { id } = await api.submit({ runner: bench.idle, payload: "print never" });
      const named = { runner: bench.idle };
      const followed = codeOf(api.logs(id, named).next());
      let seen = (): void => undefined;
      const waits = new Promise<void>((resolve) => (seen = resolve));
      const waited = codeOf(api.wait(id, { ...named, onStatus: () => seen() }));
      await waits;
      await bench.remove(id, bench.idle);
      expect(await Promise.all([followed, waited])).toEqual(["NOT_FOUND", "NOT_FOUND"]);
    });
  });
}
