/**
 * The trust file: who may have jobs run here. JSON, read strictly: a misspelt member would otherwise open what it was
 * meant to close, so anything that is not understood refuses the whole file, and all problems are told at once.
 */
import { maxAttemptsRange } from "../fields.ts";
import { idPattern } from "../keys.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from "../strict-json.ts";
import { readPublicKey } from "./signature.ts";

/** The most that `max_skew_s` can be. */
export const longestSkewSeconds = 86_400;

export interface TrustFile {
  /** Jobs must be signed for this name. Default "default". */
  readonly audience: string;
  /** How many different signers a job needs, at least 1. */
  readonly threshold: number;
  /** The longest time between `created_at` and `expires_at`. */
  readonly maxWindowSeconds: number;
  /** How far the signer's clock may be off; may be 0. */
  readonly maxSkewSeconds: number;
  readonly signers: readonly Signer[];
}

/** One key and what it may do. A list that is undefined does not limit. */
export interface Signer {
  /** Two entries of one name are two keys of one person (rotation) and count once. */
  readonly name: string;
  /** Compressed, lower-case hex. */
  readonly publicKey: string;
  readonly notBeforeSeconds: number | undefined;
  /** The last second in which the key counts. */
  readonly notAfterSeconds: number | undefined;
  /** Names, or beginnings with `*` at the end. */
  readonly callers: readonly string[] | undefined;
  readonly contexts: readonly string[] | undefined;
  readonly runners: readonly string[] | undefined;
  /** `git.list`, `git.cl*`, `git.*`, `*`. */
  readonly actions: readonly string[] | undefined;
  /** May set environment variables that are refused otherwise. */
  readonly envUnsafe: boolean;
  /** How often a job of this signer may be started, 1 to 10. */
  readonly maxAttempts: number;
}

export type ParsedTrust =
  | { readonly ok: true; readonly trust: TrustFile }
  /** Sentences for the operator, each naming the member and what it should be. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the text of a trust file. Never throws. */
export function parseTrustFile(text: string): ParsedTrust {
  if (text.trim() === "") {
    return {
      ok: false,
      problems: ['the file is empty; it needs at least {"signers": [{"name": …, "public_key": …}]}'],
    };
  }
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return { ok: false, problems: [`the file is not valid JSON: ${parsed.detail}`] };
  if (!isJsonObject(parsed.value)) return { ok: false, problems: ["the file must hold one JSON object"] };
  const read = new MemberReader(parsed.value, "", []);
  const trust = {
    audience: read.text("audience", idPattern, "a name of [A-Za-z0-9._-]") ?? "default",
    threshold: read.integer("threshold", 1, 16) ?? 1,
    maxWindowSeconds: read.integer("max_window_s", 1, 31_622_400) ?? 86_400,
    maxSkewSeconds: read.integer("max_skew_s", 0, longestSkewSeconds) ?? 60,
    signers: signersOf(read),
  };
  read.refuseTheRest();
  if (read.problems.length === 0) checkTogether(trust, read.problems);
  return read.problems.length === 0 ? { ok: true, trust } : { ok: false, problems: read.problems };
}

function signersOf(read: MemberReader): Signer[] {
  const list = read.take("signers");
  if (!Array.isArray(list)) {
    read.problems.push(
      'signers is missing or not a list; it holds {"name": …, "public_key": …} for each person',
    );
    return [];
  }
  if (list.length === 0) {
    read.problems.push("signers is empty, so no job could ever run; add the public key of a signer");
  }
  return list.flatMap((entry: JsonValue, at) => {
    const signer = signerOf(entry, `signers[${at}]`, read.problems);
    return signer === undefined ? [] : [signer];
  });
}

function signerOf(entry: JsonValue, where: string, problems: string[]): Signer | undefined {
  if (!isJsonObject(entry)) {
    problems.push(`${where} must be an object with name and public_key`);
    return undefined;
  }
  const read = new MemberReader(entry, `${where}.`, problems);
  const signer = {
    name: read.required("name", read.text("name", idPattern, "a name of [A-Za-z0-9._-]")) ?? "",
    publicKey: read.required("public_key", publicKeyOf(read)) ?? "",
    notBeforeSeconds: read.integer("not_before", 0, Number.MAX_SAFE_INTEGER),
    notAfterSeconds: read.integer("not_after", 0, Number.MAX_SAFE_INTEGER),
    callers: read.patterns("callers", names),
    contexts: read.patterns("contexts", names),
    runners: read.patterns("runners", names),
    actions: read.patterns("actions", actions),
    envUnsafe: read.flag("env_unsafe") ?? false,
    maxAttempts: read.integer("max_attempts", maxAttemptsRange.low, maxAttemptsRange.high) ?? 1,
  };
  read.refuseTheRest();
  const { notBeforeSeconds: from = 0, notAfterSeconds: to = Number.MAX_SAFE_INTEGER } = signer;
  if (from > to) problems.push(`${where}.not_after is before not_before, so the key would never count`);
  return signer;
}

interface PatternRule {
  readonly pattern: RegExp;
  readonly wanted: string;
}

const names: PatternRule = {
  pattern: /^(?:[A-Za-z0-9._-]{1,128}\*?|\*)$/,
  wanted: "names, with * at the end only",
};
const actions: PatternRule = {
  // What `hero run --allow` takes too; names as heroscript reads them, lower case and no hyphens.
  pattern: /^(?:\*|[a-z0-9_]+\.(?:\*|[a-z0-9_]+\*?))$/,
  wanted: "actor.action or actor.* in lower case, with * at the end only",
};

function publicKeyOf(read: MemberReader): string | undefined {
  const value = read.take("public_key");
  if (value === undefined) return undefined;
  const key = typeof value === "string" ? readPublicKey(value) : undefined;
  if (key === undefined) {
    read.problem(
      "public_key",
      "is not a point of secp256k1; paste the 66 hex digits that `herojob keygen` printed",
    );
  }
  return key?.hex ?? "";
}

/** What no single member shows. */
function checkTogether(trust: TrustFile, problems: string[]): void {
  const names = new Set(trust.signers.map((signer) => signer.name));
  if (trust.threshold > names.size) {
    problems.push(
      `threshold is ${trust.threshold} but only ${names.size} different signers are named, so no job could ever run`,
    );
  }
  const firstWith = new Map<string, number>();
  for (const [at, signer] of trust.signers.entries()) {
    const first = firstWith.get(signer.publicKey);
    if (first === undefined) firstWith.set(signer.publicKey, at);
    else problems.push(`signers[${at}].public_key is the key of signers[${first}] again; keep one of them`);
  }
}

/** Takes members out of an object one by one, collecting problems; what is left at the end is unknown. */
class MemberReader {
  readonly problems: string[];
  private readonly members: Map<string, JsonValue>;
  private readonly prefix: string;
  private readonly known: string[] = [];

  constructor(object: JsonObject, prefix: string, problems: string[]) {
    this.members = new Map(object);
    this.prefix = prefix;
    this.problems = problems;
  }

  take(name: string): JsonValue | undefined {
    const value = this.members.get(name);
    this.members.delete(name);
    if (!this.known.includes(name)) this.known.push(name);
    return value;
  }

  problem(name: string, sentence: string): void {
    this.problems.push(`${this.prefix}${name} ${sentence}`);
  }

  required(name: string, value: string | undefined): string | undefined {
    if (value === undefined && !this.problems.some((one) => one.startsWith(`${this.prefix}${name} `))) {
      this.problem(name, "is missing");
    }
    return value;
  }

  text(name: string, pattern: RegExp, wanted: string): string | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.test(value)) return value;
    this.problem(name, `must be ${wanted}`);
    return undefined;
  }

  integer(name: string, low: number, high: number): number | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
    this.problem(name, `must be a whole number from ${low} to ${high}`);
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === "boolean") return value;
    this.problem(name, "must be true or false");
    return undefined;
  }

  patterns(name: string, { pattern, wanted }: PatternRule): readonly string[] | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    const texts = Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
    if (!Array.isArray(value) || texts.length !== value.length) {
      this.problem(name, "must be a list of strings");
    } else if (texts.length === 0) {
      this.problem(
        name,
        "is empty and would allow nothing; leave it out to allow everything, or remove the signer",
      );
    }
    for (const text of texts) {
      if (!pattern.test(text)) {
        this.problem(name, `holds ${JSON.stringify(text.slice(0, 80))}; write ${wanted}`);
      }
    }
    return texts;
  }

  refuseTheRest(): void {
    for (const name of this.members.keys()) {
      const shown = JSON.stringify(name.slice(0, 80));
      this.problems.push(`${this.prefix}${shown} is not known here; known are ${this.known.join(", ")}`);
    }
  }
}
