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
const againAfterFailureMs = 5_000;
/** A supervisor's Redis may have been emptied; registering again is harmless. */
const againAfterSuccessMs = 300_000;

export interface RegistrationOptions {
  readonly supervisorUrl: string;
  /** File with the admin secret or an API key of scope `admin`. */
  readonly keyFile: string | undefined;
  readonly runnerId: string;
  readonly host: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Reads the key at once and throws StartRefused when it cannot; then registers beside everything else until `signal` aborts. */
export function keepRegistered(options: RegistrationOptions): void {
  const key = options.keyFile === undefined ? undefined : readKey(options.keyFile);
  void registerAgainAndAgain(options, key);
}

async function registerAgainAndAgain(options: RegistrationOptions, key: string | undefined): Promise<void> {
  const { supervisorUrl, logger, signal } = options;
  let said: string | undefined;
  while (!signal.aborted) {
    const problem = await register(options, key).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    if (problem !== said && !signal.aborted) {
      if (problem === undefined) logger.info({ supervisor: supervisorUrl }, "registered with the supervisor");
      else
        logger.error(
          { supervisor: supervisorUrl },
          `not registered with the supervisor: ${problem}; trying again`,
        );
    }
    said = problem ?? "";
    const pauseMs = problem === undefined ? againAfterSuccessMs : againAfterFailureMs;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Undefined when it worked, else the end of a sentence. Rejects when the supervisor cannot be reached. */
async function register(options: RegistrationOptions, key: string | undefined): Promise<string | undefined> {
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

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartRefused(`--supervisor-key-file ${file} cannot be read: ${why}; name another file`);
  }
}
