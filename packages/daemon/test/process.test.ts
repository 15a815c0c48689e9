/** The package in a real process: signals, readers that vanish or fall asleep, crashes. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const daemon = fileURLToPath(new URL("support/sample-daemon.ts", import.meta.url));
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

/** Starts the sample daemon; standard output is read only when asked for. It has ended when all that is read of it has come. */
function start(mode: string, args: readonly string[] = ["r1"]) {
  const child = spawn(process.execPath, ["--import", "tsx", daemon, ...args], {
    env: { PATH: process.env["PATH"], SAMPLE_MODE: mode },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const seen = { out: "", err: "" };
  child.stderr.on("data", (chunk) => (seen.err += String(chunk)));
  const allRead = [once(child.stderr, "close")];
  const readOut = () => {
    child.stdout.on("data", (chunk) => (seen.out += String(chunk)));
    allRead.push(once(child.stdout, "close"));
  };
  const ended = once(child, "exit").then(async ([code, signal]: unknown[]) => {
    await Promise.all(allRead); // the exit may be told before the last words
    return { code, signal };
  });
  const line = async (stream: "out" | "err", pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(seen[stream]);
      if (match !== null) return match;
      const source = stream === "out" ? child.stdout : child.stderr;
      await Promise.race([
        once(source, "data"),
        ended.then(() => Promise.reject(new Error(`ended: ${seen.err}`))),
      ]);
    }
  };
  const health = async (): Promise<{ rss: number }> => {
    const port = (await line("err", /listening port=(\d+)/))[1];
    // The fixture's own answer.
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).json() as Promise<{ rss: number }>;
  };
  return { child, ended, seen, readOut, line, health };
}

describe("signals", () => {
  test("SIGTERM ends it cleanly, SIGHUP reloads it", async () => {
    const { child, ended, readOut, line, seen } = start("quiet");
    readOut();
    await line("err", /listening/);
    child.kill("SIGHUP");
    await line("out", /reloaded/);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(seen.out).toMatch(/INFO draining, no more work is taken reason=SIGTERM drain_timeout_ms=60000\n/);
  });

  test("a program that does not stop is ended by the watchdog, which says so", async () => {
    const { child, ended, readOut, line, seen } = start("stuck");
    readOut();
    await line("err", /listening/);
    child.kill("SIGTERM");
    await line("out", /draining/);
    child.kill("SIGINT");
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(seen.err).toMatch(/ERROR process ends now reason="did not stop in time" exit_code=1/);
  });

  test("a handle somebody forgot is named, and the exit code stays", async () => {
    const { child, ended, readOut, line, seen } = start("leak");
    readOut();
    await line("err", /listening/);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(seen.err).toMatch(/process ends now.*Timeout/);
  });
});

describe("readers of the log", () => {
  test("one that goes away does not end the daemon", async () => {
    const { child, ended, readOut, line, health } = start("quiet");
    readOut();
    await line("out", /tick/);
    child.stdout.destroy();
    for (let poll = 0; poll < 20; poll++) expect(await health()).toMatchObject({ ok: true });
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  test("one that sleeps costs lines, not memory, time or the end", async () => {
    const { child, ended, health, line } = start("chatty");
    await line("err", /listening/);
    const before = await health();
    let after = before;
    // Each poll lets the daemon say another 2 MB or more.
    for (let poll = 0; poll < 20; poll++) after = await health();
    expect(after.rss - before.rss).toBeLessThan(64 * 1024 * 1024);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
  });
});

describe("bugs", () => {
  test("end the process with a stack that forges no line and tells no password", async () => {
    const { ended, seen } = start("crash");
    expect(await ended).toEqual({ code: 70, signal: null });
    const [, first, ...rest] = seen.err.trimEnd().split("\n");
    expect(first).toMatch(/ERROR this is a bug, the process ends origin=unhandledRejection$/);
    expect(rest.join("\n")).toMatch(/nobody foresaw redis:\/\/u:\*\*\*@h/);
    expect(rest.join("\n")).toMatch(/at .*sample-daemon\.ts/);
    for (const line of rest) expect(line).toMatch(/^ {4}\S/);
  });

  test("are one JSON line where the log is JSON", async () => {
    const { ended, seen } = start("crash", ["r1", "--log-format", "json"]);
    expect((await ended).code).toBe(70);
    const report: unknown = JSON.parse(seen.err.trimEnd().split("\n").at(-1) ?? "");
    expect(report).toMatchObject({ level: "ERROR", stack: expect.stringContaining("sample-daemon.ts") });
    expect(seen.err).not.toContain("S3CRET");
  });
});

test("a wrong command line ends with 2 and says why on standard error", async () => {
  const { ended, seen } = start("quiet", ["--concurency", "3"]);
  expect(await ended).toEqual({ code: 2, signal: null });
  expect(seen.err).toContain("Did you mean --concurrency?");
});
