/**
 * The environment of a job: built from nothing, then what the operator gives, then what the job may add, then what the
 * runner states. A name that could change how other programs run is never dropped in silence: it refuses the job.
 */
import type { VerifiedJob } from "@herorunner/job";
import { type RefusedName, refusalOf } from "./environment-names.ts";

/** At most so many variables may come with a job. */
const maxVariables = 1000;
/** Name, `=` and value of one variable. The kernel takes 131 071 and says E2BIG after that. */
const maxVariableBytes = 128_000;
/** All variables of a job together. The kernel's own limit depends on the machine, ours does not. */
const maxEnvironmentBytes = 1_000_000;

export interface EnvironmentPolicy {
  /** What every job gets; see {@link baseEnvironment}. */
  readonly base: ReadonlyMap<string, string>;
  /** Refused names that jobs may set all the same; see {@link parseAllowedNames}. */
  readonly allow: ReadonlySet<string>;
}

/** What the environment of a job depends on. A VerifiedJob is one; `envUnsafe` lets its signers set refused names. */
export type EnvironmentFacts = Pick<
  VerifiedJob,
  "id" | "callerId" | "contextId" | "runner" | "trace" | "envVars" | "envUnsafe"
>;

export type JobEnvironment =
  | {
      readonly ok: true;
      readonly env: ReadonlyMap<string, string>;
      /** The part of `env` that says which job it is; the rest is the same for all jobs that bring no variables. */
      readonly ofJob: ReadonlyMap<string, string>;
      /** Values that must not be shown: those of names ending in TOKEN, SECRET, PASSWORD or KEY. */
      readonly secrets: readonly string[];
    }
  | {
      readonly ok: false;
      readonly reason: "env_refused";
      readonly name: string;
      /** A sentence for the one who submitted the job. Never holds a value. */
      readonly message: string;
    };

/** The environment of one job, or why it is refused. Pure. */
export function jobEnvironment(policy: EnvironmentPolicy, facts: EnvironmentFacts): JobEnvironment {
  const refusal = refuse(policy, facts);
  if (refusal !== undefined) return { ok: false, reason: "env_refused", ...refusal };
  const env = new Map(policy.base);
  for (const [name, value] of facts.envVars) env.set(name, value);
  const ofJob = new Map(statedByRunner(facts));
  for (const [name, value] of ofJob) env.set(name, value);
  return { ok: true, env, ofJob, secrets: secretsOf(env) };
}

export interface BaseEnvironmentOptions {
  /** PATH of the jobs, when it is not to be the runner's own. */
  readonly path?: string;
  /** Names of the runner's own environment that jobs get as well. */
  readonly pass?: readonly string[];
}

/** What every job gets. `own` is the environment of the runner at its start. Pure. */
export function baseEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  options: BaseEnvironmentOptions = {},
): ReadonlyMap<string, string> {
  const user = own["USER"] ?? own["LOGNAME"];
  const wanted: readonly (readonly [string, string | undefined])[] = [
    ["PATH", options.path ?? own["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ["HOME", own["HOME"] ?? "/"],
    ["USER", user],
    ["LOGNAME", own["LOGNAME"] ?? user],
    ["SHELL", "/bin/sh"],
    ["LANG", "C.UTF-8"],
    ["TMPDIR", own["TMPDIR"] ?? "/tmp"],
    ["TZ", own["TZ"]],
    ...(options.pass ?? []).map((name) => [name, own[name]] as const),
  ];
  const base = new Map<string, string>();
  for (const [name, value] of wanted) if (value !== undefined) base.set(name, value);
  return base;
}

export type AllowedNames =
  | { readonly ok: true; readonly names: ReadonlySet<string> }
  | { readonly ok: false; readonly message: string };

/**
 * Reads the operator's list of names that jobs may set although they are refused by default. Names that load code into
 * every program (`LD_PRELOAD` and its like) are taken only as `NAME:unsafe`; names the runner states cannot be opened.
 */
export function parseAllowedNames(entries: readonly string[]): AllowedNames {
  const names = new Set<string>();
  for (const entry of entries) {
    const [name = "", word, ...rest] = entry.split(":");
    if (!isVariableName(name) || rest.length > 0 || (word !== undefined && word !== "unsafe")) {
      return { ok: false, message: `${entry} is not a variable name; write NAME, or NAME:unsafe` };
    }
    const refused = refusalOf(name);
    if (refused === "reserved") {
      return { ok: false, message: `${name} is set by the runner and cannot be opened to jobs` };
    }
    if (refused === "loads_code" && word !== "unsafe") {
      const message = `${name} loads foreign code into every program of a job; write ${name}:unsafe if that is meant`;
      return { ok: false, message };
    }
    names.add(name);
  }
  return { ok: true, names };
}

/** `[A-Za-z_][A-Za-z0-9_]{0,127}`. Nothing else is safe: the kernel would take `LD_PRELOAD=/x:` as a name. */
function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name);
}

interface Refusal {
  readonly name: string;
  readonly message: string;
}

function refuse(policy: EnvironmentPolicy, facts: EnvironmentFacts): Refusal | undefined {
  if (facts.envVars.size > maxVariables) {
    return {
      name: "",
      message: `the job brings ${facts.envVars.size} variables; at most ${maxVariables} are taken`,
    };
  }
  let total = 0;
  for (const [name, value] of facts.envVars) {
    const refusal = refuseName(name, policy, facts) ?? refuseValue(name, value);
    if (refusal !== undefined) return refusal;
    total += variableBytes(name, value);
  }
  if (total > maxEnvironmentBytes) {
    const message = `the variables of the job take ${total} bytes together; at most ${maxEnvironmentBytes} are taken`;
    return { name: "", message };
  }
  for (const [name, value] of statedByRunner(facts)) {
    const refusal = refuseValue(name, value);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refuseName(name: string, policy: EnvironmentPolicy, facts: EnvironmentFacts): Refusal | undefined {
  const shown = printable(name);
  if (!isVariableName(name)) {
    const rule = "a letter or _ first, then letters, digits and _, at most 128 in all";
    return { name: shown, message: `${shown} is not a name of a variable: ${rule}` };
  }
  const refused = refusalOf(name);
  if (refused === undefined) return undefined;
  if (refused === "reserved")
    return { name, message: `a job may not set ${name}: the runner sets it itself` };
  if (policy.allow.has(name) || facts.envUnsafe) return undefined;
  return {
    name,
    message: `a job may not set ${name}: ${explanations[refused]}; ${howToOpen(name, refused)}`,
  };
}

function refuseValue(name: string, value: string): Refusal | undefined {
  if (value.includes("\0")) return { name, message: `the value of ${name} holds a NUL character` };
  if (/[\uD800-\uDFFF]/u.test(value)) return { name, message: `the value of ${name} is not valid Unicode` };
  const bytes = variableBytes(name, value);
  if (bytes <= maxVariableBytes) return undefined;
  return {
    name,
    message: `${name} takes ${bytes} bytes with its value; at most ${maxVariableBytes} are taken`,
  };
}

const explanations: Readonly<Record<Exclude<RefusedName, "reserved">, string>> = {
  loads_code: "it loads foreign code into every program",
  changes_programs: "it changes how other programs run",
};

function howToOpen(name: string, refused: RefusedName): string {
  return `the operator can open it with --env-allow ${refused === "loads_code" ? `${name}:unsafe` : name}`;
}

function statedByRunner(facts: EnvironmentFacts): readonly (readonly [string, string])[] {
  return [
    ["HERO_JOB_ID", facts.id],
    ["HERO_CALLER_ID", facts.callerId],
    ["HERO_CONTEXT_ID", facts.contextId],
    ["HERO_RUNNER", facts.runner],
    ...(facts.trace === "" ? [] : [["TRACEPARENT", facts.trace] as const]),
  ];
}

function secretsOf(env: ReadonlyMap<string, string>): readonly string[] {
  const secrets: string[] = [];
  for (const [name, value] of env)
    if (/(?:^|_)(?:TOKEN|SECRET|PASSWORD|KEY)$/i.test(name)) secrets.push(value);
  return secrets;
}

function variableBytes(name: string, value: string): number {
  return Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
}

/** A foreign name goes into messages and logs: short, and without control characters. */
function printable(name: string): string {
  return JSON.stringify(name.slice(0, 64)).replaceAll(/[\u007f-\u009f\u2028-\u202e]/g, "?");
}
