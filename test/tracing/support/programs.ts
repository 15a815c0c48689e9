/** What tests of traces start besides a collector: the built herosupervisor, and the list of what a program has loaded. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { builtBin } from "../../support/built.ts";
import { until } from "../../support/until.ts";

const adminSecret = "an admin secret for tests only";

export interface BuiltSupervisor {
  readonly url: string;
  /** The result of a call; `headers` go with its request. */
  call(method: string, params: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Tells it to stop; the exit code. */
  stop(): Promise<number | null>;
}

/** Ended with the test. */
export async function startSupervisor(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<BuiltSupervisor> {
  const child = spawn(process.execPath, [builtBin("herosupervisor"), "--port", "0", ...args], {
    env: { PATH: process.env["PATH"], HEROSUPERVISOR_ADMIN_SECRET: adminSecret, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const exited = once(child, "close").then(([code]) => code as number | null); // as Node documents it
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await until(() => / url=\S+/.test(said) || child.exitCode !== null, "the supervisor listens");
  const url = / url=(\S+)/.exec(said)?.[1];
  if (url === undefined) throw new Error(`the supervisor did not start:\n${said}`);
  return {
    url,
    call: async (method, params, headers = {}) => {
      const answer = await fetch(`${url}/rpc`, {
        method: "POST",
        headers: {
          ...{ "content-type": "application/json", authorization: `Bearer ${adminSecret}` },
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } };
      if (error !== undefined) throw new Error(error.message);
      return result;
    },
    stop: () => {
      child.kill("SIGTERM");
      return exited;
    },
  };
}

export interface LoadedList {
  /** For the program whose scripts are to be listed. */
  readonly env: Readonly<Record<string, string>>;
  /** Scripts of OpenTelemetry's SDK; to be asked when the program has ended. */
  sdk(): Promise<readonly string[]>;
}

/** V8 itself writes down at the end which scripts it was given, bundled or not. */
export async function listLoaded(): Promise<LoadedList> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-loaded-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    env: { NODE_V8_COVERAGE: folder },
    sdk: async () => {
      const files = await readdir(folder);
      const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
      const urls = texts.flatMap((text) => (JSON.parse(text) as { result: { url: string }[] }).result);
      if (urls.length === 0) throw new Error("nothing was written down");
      // The API alone comes with the library for metrics.
      return urls.map(({ url }) => url).filter((url) => /@opentelemetry\/(?!api\/)|\/otlp[-.]/.test(url));
    },
  };
}
