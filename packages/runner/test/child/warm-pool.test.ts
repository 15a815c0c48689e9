import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ChildExecutor,
  type Command,
  createExecutor,
  createSpawnServerLauncher,
  probeIsolation,
  type WarmTemplate,
} from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { newTag, processesTagged } from "../../../../test/support/bad-child.ts";
import { until } from "../../../../test/support/until.ts";
import { signalProcess } from "../../src/child/signals.ts";

const levels = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
const never = new AbortController().signal;

describe.each(levels)("processes that wait for their jobs, at level %s", (level) => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });
  const start = async (): Promise<ChildExecutor> => {
    const executor = await createExecutor({
      isolation: level,
      makeLauncher: (fences) =>
        createSpawnServerLauncher({ concurrency: 2, prepared: 2, ...(fences && { fences }) }),
    });
    open.push(executor);
    return executor;
  };
  /** A shell that waits for its script. */
  const shellTemplate = (tag: string, file = "/bin/sh"): WarmTemplate => ({
    file,
    args: ["-s", tag],
    cwd: "/",
    env: new Map([["PATH", process.env["PATH"] ?? ""]]),
  });
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "herorunner-warm-"));
    open.push({ close: async () => rmSync(folder, { recursive: true }) });
    return folder;
  };
  const writeShell = (file: string, build: string): void => {
    writeFileSync(file, `#!/bin/sh\nexport BUILD=${build}\nexec /bin/sh "$@"\n`);
    chmodSync(file, 0o755);
  };
  const warmed = async (executor: ChildExecutor, template: WarmTemplate, count = 2): Promise<void> => {
    executor.keepWarm(template, count);
    await until(() => executor.warmCount === count, "they wait");
  };
  const commandFor = (template: WarmTemplate, input: string, rest: Partial<Command> = {}): Command => ({
    ...template,
    stdin: "echo cold",
    timeoutMs: 10_000,
    killGraceMs: 100,
    maxOutputBytes: 1_000_000_000,
    secrets: [],
    warm: { template, input },
    ...rest,
  });

  it("do one job each, and others take their places", async () => {
    const executor = await start();
    const template = shellTemplate(newTag());
    const markers: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      await warmed(executor, template);
      const { ending, output } = await executor.run(
        commandFor(template, "echo $HERO_RUN_TOKEN; echo err >&2; exit 3"),
        never,
      );
      expect(ending).toEqual({ kind: "exited", code: 3 });
      expect(output.stderr).toBe("err\n");
      markers.push(output.stdout);
    }
    expect(new Set(markers).size).toBe(4);
  });

  it("take ten megabytes of input", async () => {
    const executor = await start();
    const template: WarmTemplate = { ...shellTemplate(""), file: "/usr/bin/wc", args: ["-c"] };
    await warmed(executor, template);
    const { output } = await executor.run(commandFor(template, "0123456789".repeat(1024 * 1024)), never);
    expect(output.stdout.trim()).toBe("10485760");
  });

  it("are not used for a command that does not name their template", async () => {
    const executor = await start();
    await warmed(executor, shellTemplate(newTag()));
    const other = shellTemplate(newTag());
    expect((await executor.run(commandFor(other, "echo warm"), never)).output.stdout).toBe("cold\n");
    expect(executor.warmCount).toBe(2);
  });

  it("are not given to a job when somebody ended them in that moment", async () => {
    const executor = await start();
    const tag = newTag();
    const template = shellTemplate(tag);
    await warmed(executor, template);
    // Meanwhile the runner hears nothing. In a PID namespace the others end with the first.
    for (let left = processesTagged(tag); left.length > 0; left = processesTagged(tag)) {
      for (const pid of left) signalProcess(pid, "SIGKILL");
    }
    const { ending, output } = await executor.run(commandFor(template, "echo warm"), never);
    expect(ending).toEqual({ kind: "exited", code: 0 });
    expect(output.stdout).toBe("cold\n");
  });

  it("are ended at the deadline like others, with all they started", async () => {
    const executor = await start();
    const tag = newTag();
    const template = shellTemplate(tag);
    await warmed(executor, template, 1);
    const command = commandFor(template, `sh -c 'trap "" TERM; sleep 300' ${tag} & sleep 300`, {
      timeoutMs: 300,
    });
    const { ending, facts } = await executor.run(command, never);
    expect(ending).toEqual({ kind: "timed_out" });
    expect(facts.kill?.survivors).toEqual([]);
    await until(() => executor.warmCount === 1, "the next one waits");
    await executor.close();
    expect(processesTagged(tag)).toEqual([]);
  });

  it("leave nothing of their jobs behind", async () => {
    const executor = await start();
    const tag = newTag();
    const template = shellTemplate(tag);
    await warmed(executor, template, 1);
    const { facts } = await executor.run(commandFor(template, `sleep 300.${tag} & echo`), never);
    // At level pidns the kernel ends what is left, before anybody could count it.
    expect(facts.reaped).toBe(level === "pidns" ? undefined : 1);
    expect(processesTagged(`300.${tag}`)).toEqual([]);
  });

  it("that end before their job are replaced, after a pause", async () => {
    const executor = await start();
    const tag = newTag();
    await warmed(executor, shellTemplate(tag), 1);
    // While it becomes its program it has no arguments by which to find it.
    await until(() => processesTagged(tag).length > 0, "it can be seen");
    const [first = 0] = processesTagged(tag);
    expect(signalProcess(first, "SIGKILL")).toBe(true);
    await until(() => executor.warmCount === 0, "it is gone");
    await until(() => executor.warmCount === 1, "another one waits");
    expect(processesTagged(tag)).not.toContain(first);
  });

  it("of a program that was replaced are ended, and its job is started from the new one", async () => {
    const executor = await start();
    const file = join(newFolder(), "shell");
    copyFileSync("/bin/sh", file);
    const template = shellTemplate(newTag(), file);
    await warmed(executor, template, 1);
    copyFileSync("/bin/sh", `${file}.new`);
    renameSync(`${file}.new`, file);
    expect((await executor.run(commandFor(template, "echo warm"), never)).output.stdout).toBe("cold\n");
    await until(() => executor.warmCount === 1, "the new one waits");
    expect((await executor.run(commandFor(template, "echo warm"), never)).output.stdout).toBe("warm\n");
  });

  it("of a program that was replaced are not used after others of the new one wait beside them", async () => {
    const executor = await start();
    const folder = newFolder();
    const [file, go] = [join(folder, "shell"), join(folder, "go")];
    writeShell(file, "before");
    const template = shellTemplate(newTag(), file);
    await warmed(executor, template);
    const running = executor.run(commandFor(template, `until [ -e ${go} ]; do sleep 0.05; done`), never);
    await until(() => executor.warmCount === 1, "one of them has a job");
    writeShell(`${file}.new`, "after");
    renameSync(`${file}.new`, file);
    writeFileSync(go, "");
    await running;
    await until(() => executor.warmCount === 2, "a new one waits beside the old one");
    expect((await executor.run(commandFor(template, "echo $BUILD"), never)).output.stdout).toBe("after\n");
  });

  it("of a program that was written over are ended, whatever its time says", async () => {
    const executor = await start();
    const file = join(newFolder(), "shell");
    writeShell(file, "before");
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    const template = shellTemplate(newTag(), file);
    await warmed(executor, template, 1);
    writeShell(file, "afterw");
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    expect((await executor.run(commandFor(template, "echo $BUILD"), never)).output.stdout).toBe("cold\n");
  });

  it("end when others are to wait instead, and with the executor", async () => {
    const executor = await start();
    const [before, after] = [newTag(), newTag()];
    await warmed(executor, shellTemplate(before));
    executor.keepWarm(shellTemplate(after), 2);
    await until(() => processesTagged(before).length === 0, "the former are gone");
    await until(() => executor.warmCount === 2, "the new ones wait");
    await executor.close();
    expect(processesTagged(after)).toEqual([]);
  });
});
