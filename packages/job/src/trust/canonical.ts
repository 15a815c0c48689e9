/**
 * The bytes that are signed. Version 2 is a DSSE frame around netstrings: every field is preceded by its length in
 * bytes, so two different jobs never give the same bytes. Version 1 joins with colons, which is ambiguous; it exists
 * to accept old signatures where an operator asks for that. docs/protocol.md holds the same rules in prose.
 */
import { hash } from "node:crypto";
import type { Job } from "../job.ts";

export const jobPayloadType = "application/vnd.hero.job.v2";

/** How the two known writers of version 1 print the environment. */
export const v1EnvForms = ["kv", "rust-debug"] as const;
export type V1EnvForm = (typeof v1EnvForms)[number];

/** `DSSEv1 <length of type> <type> <length of body> <body>`, lengths in bytes. */
export function dsseFrame(type: string, body: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.byteLength} `;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Netstrings (`3:abc,`) of the given texts, one after the other. Missing values count as empty. */
export function netstrings(values: readonly (string | number | undefined)[]): Buffer {
  let all = "";
  for (const value of values) {
    const text = String(value ?? "");
    all += `${Buffer.byteLength(text)}:${text},`;
  }
  return Buffer.from(all);
}

/** The signed bytes of a job. Works for every job; whether its fields may be signed is verifyJob's business. */
export function jobBytes(job: Job): Buffer {
  const fixed = [
    job.audience,
    job.id,
    job.callerId,
    job.contextId,
    job.runner,
    job.executor,
    job.payload,
    job.timeoutSeconds,
    job.createdAtSeconds,
    job.expiresAtSeconds,
    job.nonce,
    job.envVars.size,
  ];
  return dsseFrame(jobPayloadType, netstrings([...fixed, ...sortedEnv(job).flat()]));
}

/** SHA-256 of {@link jobBytes}, hex: the name of a job's content in receipts, journals and logs. */
export function jobDigest(job: Job): string {
  return sha256Hex(jobBytes(job));
}

/** The signed bytes of version 1 in one of its two spellings. */
export function jobBytesV1(job: Job, form: V1EnvForm): Buffer {
  const head = [job.id, job.callerId, job.contextId, job.payload, job.runner, job.timeoutSeconds ?? ""];
  return Buffer.from([...head, form === "kv" ? kvEnv(job) : rustDebugEnv(job)].join(":"));
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "hex");
}

function sortedEnv(job: Job): (readonly [string, string])[] {
  return [...job.envVars].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function kvEnv(job: Job): string {
  return sortedEnv(job)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

function rustDebugEnv(job: Job): string {
  const pairs = sortedEnv(job).map(([name, value]) => `(${rustQuoted(name)}, ${rustQuoted(value)})`);
  return `[${pairs.join(", ")}]`;
}

const rustEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\0", "\\0"],
]);

function rustQuoted(text: string): string {
  const escaped = text.replace(
    /["\\\u0000-\u001f\u007f]/g,
    (one) => rustEscapes.get(one) ?? `\\u{${one.charCodeAt(0).toString(16)}}`,
  );
  return `"${escaped}"`;
}
