/** What a method is: one entry from which validation, scopes, the OpenRPC document, docs/rpc.md and the client's types come. */
import type { z } from "zod";
import type { ApiKeys } from "../auth/api-keys.ts";
import type { Principal, Scope } from "../auth/principal.ts";
import type { JobStore } from "../store/jobs.ts";
import type { RunnerRegistry } from "../store/runners.ts";
import type { RpcErrorName } from "./errors.ts";

/** What methods work with. */
export interface Services {
  readonly jobs: JobStore;
  readonly runners: RunnerRegistry;
  readonly keys: ApiKeys;
  readonly info: () => Promise<SupervisorFacts>;
}

export interface SupervisorFacts {
  readonly key_prefix: string;
  readonly redis: Readonly<Record<string, string | number | boolean>>;
  readonly uptime_ms: number;
}

/** One call. */
export interface Call {
  readonly services: Services;
  readonly principal: Principal;
  /** Its signal aborts when the caller is gone or the supervisor stops: ends waits, nothing else. */
  readonly patience: { readonly signal: AbortSignal };
  /** No wait goes beyond this, on the clock of performance.now(): a batch has one deadline for all its calls. */
  readonly waitUntilMs: number;
  /** Of the request, as its sender wrote it: jobs that name no trace belong to this one. */
  readonly traceparent: string | undefined;
}

export interface Method<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
  readonly summary: string;
  /** More than the summary, where it needs it. Markdown. */
  readonly description?: string;
  readonly scope: Scope;
  readonly params: P;
  readonly result: R;
  /** Errors of its own, beside those that every method has. */
  readonly errors: readonly RpcErrorName[];
  readonly example: { readonly params: z.input<P>; readonly result: z.input<R> };
  /** The result must have the shape of `result`; tests hold it to that. */
  handle(params: z.output<P>, call: Call): Promise<z.input<R>>;
}

/** Keeps the exact types of an entry. */
export function method<P extends z.ZodObject, R extends z.ZodType>(definition: Method<P, R>): Method<P, R> {
  return definition;
}

/** Methods by name, as a dispatcher takes them. */
export type MethodTable = Readonly<Record<string, Method>>;
