/** Answers: every one of them with the headers that keep a browser from being talked into anything. */
import type { ServerResponse } from "node:http";

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection is of no further use: part of the request was not read. */
  readonly close?: boolean;
}

/** For everything that is not a page. A document of ours that is opened by itself can do nothing at all. */
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";
/** For the page and its parts. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export const fixedHeaders = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
} as const;

const lingerMs = 200;

export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  const { status, contentType = "application/json", body = "", headers = {}, close = false } = answer;
  response.writeHead(status, {
    ...fixedHeaders,
    "Content-Security-Policy": apiPolicy,
    "Cache-Control": "no-store",
    ...(status === 204 ? {} : { "Content-Type": contentType, "Content-Length": Buffer.byteLength(body) }),
    ...headers,
    ...(close ? { Connection: "close" } : {}),
  });
  response.end(response.req.method === "HEAD" || status === 204 ? undefined : body);
  // A sender that goes on must not hold the connection, but should have a chance to read why.
  if (close) setTimeout(() => response.socket?.destroy(), lingerMs).unref();
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: `${JSON.stringify(value)}\n`, headers };
}

/** A refusal outside JSON-RPC. */
export function refusal(
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return json(status, { error }, headers);
}
