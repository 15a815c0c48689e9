/**
 * `--supervisor URL`: makes this runner known there, so that it is listed with a name people gave it. Liveness does not
 * depend on it: that comes from the heartbeat in Redis. A supervisor that is away is asked again, and stops nothing.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@herorunner/daemon";
import { isJsonObject, parseStrictJson } from "@herorunner/job";
import { StartRefused } from "./start-refused.ts";

const answerWithinMs = 10_000;
const largestAnswerBytes = 64 * 1024;
/** After a success too: a supervisor's Redis may have been emptied, and registering again is harmless. */
const usualPauses = { afterSuccessMs: 300_000, afterFailureMs: 5_000 };

export interface RegistrationOptions {
  readonly supervisorUrl: string;
  /** File with the admin secret or an API key of scope `admin`. */
  readonly keyFile: string | undefined;
  readonly runnerId: string;
  readonly host: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly pauses?: { readonly afterSuccessMs: number; readonly afterFailureMs: number };
}

/** Throws StartRefused when the key cannot be read; else registers beside everything else until `signal` aborts. */
export function keepRegistered(options: RegistrationOptions): void {
  readSupervisorKey(options.keyFile);
  void registerAgainAndAgain(options);
}

async function registerAgainAndAgain(options: RegistrationOptions): Promise<void> {
  const { supervisorUrl: supervisor, logger, signal, pauses = usualPauses } = options;
  let said: string | undefined;
  while (!signal.aborted) {
    const problem = await register(options).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    const line =
      problem === undefined
        ? "registered with the supervisor"
        : `not registered with the supervisor: ${problem}; trying again`;
    if (line !== said && !signal.aborted) {
      if (problem === undefined) logger.info({ supervisor }, line);
      else logger.error({ supervisor }, line);
    }
    said = line;
    const pauseMs = problem === undefined ? pauses.afterSuccessMs : pauses.afterFailureMs;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Undefined when it worked, else the end of a sentence. Rejects when the supervisor cannot be reached. The key is read
 * each time, so that one that was replaced in its file needs no restart.
 */
async function register(options: RegistrationOptions): Promise<string | undefined> {
  const key = readSupervisorKey(options.keyFile);
  const params = { id: options.runnerId, labels: { host: options.host } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "runner.register", params });
  const { status, text } = await post(new URL("/rpc", options.supervisorUrl), body, key, options.signal);
  const parsed = parseStrictJson(text);
  const answer = parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined;
  if (answer?.has("result") === true) return undefined;
  const error = answer?.get("error");
  const message = isJsonObject(error) ? error.get("message") : undefined;
  if (status === 401) return "it does not know our key; name one of scope admin with --supervisor-key-file";
  return typeof message === "string" ? message : `it answered HTTP ${status}`;
}

async function post(
  url: URL,
  body: string,
  key: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  // Loaded where there is a supervisor: it is a part of every start otherwise.
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: "POST",
      signal,
      timeout: answerWithinMs,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
    });
    outgoing.once("error", reject);
    outgoing.once("timeout", () =>
      outgoing.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)),
    );
    outgoing.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > largestAnswerBytes) outgoing.destroy(new Error("its answer is too long"));
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.end(body);
  });
}

/** Throws StartRefused. */
export function readSupervisorKey(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(`--supervisor-key-file ${file} cannot be read: ${why}; name another file`);
  }
}
