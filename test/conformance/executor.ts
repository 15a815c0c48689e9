/**
 * What Executor means, as tests: run against every launcher and every isolation level. `endsEverything` says whether
 * the level also ends processes that hide from every look (see the table in docs/operations.md).
 */
import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Execution, Executor } from "@herorunner/runner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { badChild, commandOf, shell } from "../support/bad-child.ts";
import { until } from "../support/until.ts";
import { whatIsLeft } from "./executor-leftovers.ts";
import { whatCannotBeStarted } from "./executor-refusals.ts";

export interface ExecutorSuiteOptions {
  readonly endsEverything: boolean;
  /** Whether helpers may still do something after the main process has ended. The kernel ends them with a PID namespace. */
  readonly helpersMayFinish: boolean;
}

const never = new AbortController().signal;
// Many jobs share it here.
setMaxListeners(0, never);

export function executorSuite(
  name: string,
  makeExecutor: () => Promise<Executor>,
  options: ExecutorSuiteOptions,
): void {
  describe(`Executor: ${name}`, () => {
    let executor: Executor;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "herorunner-executor-"));
      executor = await makeExecutor();
    });
    afterAll(async () => {
      await executor.close();
      rmSync(folder, { recursive: true });
    });
    const run = (command: Command): Promise<Execution> => executor.run(command, never);
    const stdoutOf = async (command: Command): Promise<string> => (await run(command)).output.stdout;
    const file = (label: string, content: string | Uint8Array, mode = 0o755): string => {
      const path = join(folder, label);
      writeFileSync(path, content);
      chmodSync(path, mode);
      return path;
    };

    describe("how it ended", () => {
      it("tells the exit code and both streams apart", async () => {
        const execution = await run(shell("echo out; echo err >&2; exit 3"));
        expect(execution.ending).toEqual({ kind: "exited", code: 3 });
        expect(execution.output).toEqual({
          ...{ stdout: "out\n", stderr: "err\n", stdoutBytes: 4, stderrBytes: 4, droppedBytes: 0 },
        });
        expect(execution.facts.durationMs).toBeGreaterThanOrEqual(0);
        expect(execution.facts.kill).toBeUndefined();
      });

      it("tells the signal that killed the process", async () => {
        expect((await run(shell("kill -TERM $$"))).ending).toEqual({ kind: "signalled", signal: "SIGTERM" });
        expect((await run(shell("kill -KILL $$"))).ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
      });

      it("takes 125, 126 and 127 for exit codes like others", async () => {
        for (const code of [125, 126, 127]) {
          expect((await run(shell(`exit ${code}`))).ending).toEqual({ kind: "exited", code });
        }
      });

      /**
       * A job whose deadline passes after it came as far as it says in `mark`: on a busy machine a shell may need longer than a
       * short deadline to begin, and is then given a longer one.
       */
      const pastDeadline = async (
        script: (mark: string) => string,
        killGraceMs = 200,
      ): Promise<{ execution: Execution; timeoutMs: number }> => {
        for (let timeoutMs = 250; ; timeoutMs *= 4) {
          const mark = join(folder, `came-far-${timeoutMs}-${killGraceMs}`);
          rmSync(mark, { force: true });
          const execution = await run(shell(script(mark), { timeoutMs, killGraceMs }));
          if (existsSync(mark) || timeoutMs >= 4000) return { execution, timeoutMs };
        }
      };

      it("ends at the deadline, keeps what was written until then and says what it did", async () => {
        const { execution, timeoutMs } = await pastDeadline((mark) => `echo early; : > ${mark}; sleep 60`);
        expect(execution.ending).toEqual({ kind: "timed_out" });
        expect(execution.output.stdout).toBe("early\n");
        expect(execution.facts.durationMs).toBeLessThan(timeoutMs + 2700);
        expect(execution.facts.kill).toMatchObject({ reason: "timed_out", survivors: [] });
        expect(execution.facts.kill?.termAtMs).toBeGreaterThan(0);
        expect(execution.facts.kill?.goneAtMs).toBeGreaterThan(0);
      });

      it("lets a process that minds SIGTERM clean up within the grace", async () => {
        const { execution, timeoutMs } = await pastDeadline(
          (mark) => `trap 'sleep 0.1; echo clean; exit 0' TERM; sleep 60 & : > ${mark}; wait`,
          5000,
        );
        expect(execution.ending).toEqual({ kind: "timed_out" });
        expect(execution.output.stdout).toBe("clean\n");
        expect(execution.facts.durationMs).toBeLessThan(timeoutMs + 3800);
      });

      it("lets the helpers of a process that ended at SIGTERM clean up within the grace", async () => {
        const { execution, timeoutMs } = await pastDeadline(
          (mark) =>
            `(trap 'sleep 0.2; echo clean; exit' TERM; : > ${mark}; while :; do sleep 0.02; done) & wait`,
          5000,
        );
        expect(execution.output.stdout).toBe(options.helpersMayFinish ? "clean\n" : "");
        expect(execution.facts.durationMs).toBeLessThan(timeoutMs + 3800);
      });

      it("ends when asked to, and the first cause counts", async () => {
        let askedAfterMs = Infinity;
        for (let timeoutMs = 500; askedAfterMs > timeoutMs && timeoutMs <= 8000; timeoutMs *= 4) {
          const controller = new AbortController();
          const beganMs = performance.now();
          askedAfterMs = Infinity;
          const running = executor.run(
            shell("trap '' TERM; echo up; while :; do sleep 1; done", { timeoutMs }),
            controller.signal,
            () => {
              askedAfterMs = Math.min(askedAfterMs, performance.now() - beganMs);
              controller.abort();
            },
          );
          const first = (await running).ending;
          // On a busy machine the shell may have said nothing before the deadline, which then comes first.
          if (askedAfterMs < timeoutMs) expect(first).toEqual({ kind: "aborted" });
        }
        expect(askedAfterMs).not.toBe(Infinity);
      });

      it("starts nothing when it was already asked to end", async () => {
        const path = join(folder, "never-made");
        const execution = await executor.run(shell(`echo > ${path}`), AbortSignal.abort());
        expect(execution.ending).toEqual({ kind: "aborted" });
        expect(existsSync(path)).toBe(false);
      });

      it("ends a process that writes more than it may", async () => {
        const execution = await run(shell("yes", { maxOutputBytes: 200_000 }));
        expect(execution.ending).toEqual({ kind: "output_limit" });
        expect(execution.output.stdoutBytes).toBeGreaterThan(200_000);
      });

      it("calls it output_limit also when the process was faster than the count", async () => {
        const execution = await run(shell("echo 12345678", { maxOutputBytes: 8 }));
        expect(execution.ending).toEqual({ kind: "output_limit" });
        expect((await run(shell("echo 1234567", { maxOutputBytes: 8 }))).ending.kind).toBe("exited");
      });

      it("ends what still runs when it is closed", async () => {
        const own = await makeExecutor();
        const child = badChild("ignores-term");
        const running = own.run(child.command, never);
        await until(() => child.left().length > 0, "the child runs");
        await own.close();
        expect((await running).ending).toEqual({ kind: "aborted" });
        expect(child.left()).toEqual([]);
      });
    });

    describe("what the process is given", () => {
      it("has the environment it was given, the marker and nothing else", async () => {
        const env = new Map([
          ["A", "1"],
          ["B", "two words\nand a line"],
          ["__proto__", "p"],
        ]);
        const text = await stdoutOf({ ...commandOf("/usr/bin/env", ["-0"]), env });
        const names = text.split("\0").filter(Boolean).sort();
        expect(names.filter((entry) => !entry.startsWith("HERO_RUN_TOKEN="))).toEqual([
          ...["A=1", "B=two words\nand a line", "__proto__=p"],
        ]);
        expect(names).toHaveLength(4);
      });

      it("sets the marker itself, whatever the command says, and never twice the same", async () => {
        const env = new Map([["HERO_RUN_TOKEN", "forged"]]);
        const command = { ...commandOf("/usr/bin/env"), env };
        const [first, second] = [await stdoutOf(command), await stdoutOf(command)];
        expect(first).toMatch(/^HERO_RUN_TOKEN=[0-9a-f]{16}\.[0-9a-f]+\n$/);
        expect(second).not.toBe(first);
      });

      it("starts in the folder it was given", async () => {
        expect(await stdoutOf(shell("pwd -P", { cwd: folder }))).toBe(`${folder}\n`);
      });

      it("leads a session and a group of its own", async () => {
        const [pid, group, session] = (await stdoutOf(shell("cut -d' ' -f5,6 /proc/self/stat"))).split(/\s+/);
        expect(group).toBe(pid);
        expect(session).toBe("");
      });

      it("can open its streams by name", async () => {
        const text =
          "cat /dev/stdin; echo out > /dev/stdout; echo err > /dev/stderr; echo more >> /proc/self/fd/1";
        const execution = await run(shell(text, { stdin: "in\n" }));
        expect(execution.output).toMatchObject({ stdout: "in\nout\nmore\n", stderr: "err\n" });
      });

      it("has pipes for its output", async () => {
        expect(await stdoutOf(shell("[ -p /dev/stdout ] && [ -p /dev/stderr ] && echo pipes"))).toBe(
          "pipes\n",
        );
      });
    });

    describe("input", () => {
      const large = "0123456789abcdef".repeat(640 * 1024);

      it("passes every byte on unchanged", async () => {
        for (const stdin of ["", "no newline", "a\0b\r\nc\n\r", "žluťoučký 🐎\n"]) {
          expect(await stdoutOf(badChild("echo", { stdin }).command)).toBe(stdin);
        }
      });

      it("passes 10 MB on to a child that reads", async () => {
        const digest = createHash("sha256").update(large).digest("hex");
        expect(await stdoutOf(shell("sha256sum", { stdin: large }))).toBe(`${digest}  -\n`);
      });

      it.each(["reads-slowly", "never-reads", "closes-stdin", "exits-at-once"] as const)(
        "survives a child that %s with 10 MB",
        async (behaviour) => {
          const execution = await run(badChild(behaviour, { stdin: large }).command);
          expect(execution.ending).toEqual({ kind: "exited", code: 0 });
        },
      );
    });

    describe("output", () => {
      it("keeps head and tail and counts exactly what it left out", async () => {
        const execution = await run(shell("seq 1 400000"));
        const whole = Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join("");
        const { stdout, stdoutBytes, droppedBytes } = execution.output;
        expect(stdoutBytes).toBe(whole.length);
        const [head = "", tail = ""] = stdout.split(`\n… [${droppedBytes} bytes left out] …\n`);
        expect(whole.startsWith(head)).toBe(true);
        expect(whole.endsWith(tail)).toBe(true);
        expect(head.length + tail.length + droppedBytes).toBe(whole.length);
        expect(execution.facts.stdoutSha256).toBe(createHash("sha256").update(whole).digest("hex"));
      });

      it("turns invalid bytes into U+FFFD and keeps NUL", async () => {
        expect(await stdoutOf(shell(String.raw`printf 'a\377b\000c\303'`))).toBe("a\ufffdb\0c\ufffd");
      });

      it("never splits a character that was written in two pieces", async () => {
        const live: string[] = [];
        const command = shell(String.raw`printf '\360\237'; sleep 0.1; printf '\220\216!'`);
        const execution = await executor.run(command, never, (_stream, _offset, data) => live.push(data));
        expect(execution.output.stdout).toBe("🐎!");
        expect(live.join("")).toBe("🐎!");
      });

      it("shows output while it comes, in order and with offsets", async () => {
        const seen: string[] = [];
        const command = shell("echo one; sleep 0.2; echo two; echo three >&2");
        await executor.run(command, never, (stream, offset, data) =>
          seen.push(`${stream}@${offset}:${data}`),
        );
        expect(seen).toContain("out@0:one\n");
        expect(seen).toContain("out@4:two\n");
        expect(seen).toContain("err@0:three\n");
      });

      it("masks secrets in what it keeps and in what it shows, across pieces, and counts them", async () => {
        let live = "";
        const command = shell("printf 'key hunter'; sleep 0.1; echo '22 end'; echo hunter22 >&2", {
          secrets: ["hunter22"],
        });
        const execution = await executor.run(command, never, (_stream, _offset, data) => (live += data));
        expect(execution.output.stdout).toBe("key *** end\n");
        expect(execution.output.stderr).toBe("***\n");
        expect(execution.output.stdoutBytes).toBe("key hunter22 end\n".length);
        expect(execution.facts.maskedCount).toBe(2);
        expect(live).not.toContain("hunter");
      });

      it("keeps what helpers write shortly after the main process ended", async () => {
        expect(await stdoutOf(shell("(sleep 0.1; echo late) & echo early"))).toBe(
          options.helpersMayFinish ? "early\nlate\n" : "early\n",
        );
      });
    });

    whatCannotBeStarted({ run, file, folder: () => folder });

    whatIsLeft({ executor: () => executor, folder: () => folder, endsEverything: options.endsEverything });
  });
}
