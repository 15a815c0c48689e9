/**
 * What a field of a log line may become: plain, bounded data without passwords. Takes anything, never throws, and never
 * lets a value end the line it stands in or paint on the reader's terminal.
 */
import { MASK, maskUrlPasswords } from "./mask.ts";

/** Data that JSON can hold. */
export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [name: string]: PlainValue };

const MAX_TEXT = 4096;
const MAX_ITEMS = 64;
const MAX_DEPTH = 4;
const MAX_PARTS = 256;

/** Names whose values nobody should read in a log, whoever wrote them there. */
const SECRET_NAME =
  /(?:^|_)(?:password|passwd|secret|token|authorization|cookie|payload|private_?key|api_?key)$/;

/** Characters that move the cursor, end a line, reorder or hide text: control, format, line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Fields made plain, in order. Errors become `name`, `name_code` and, `withStacks`, `name_stack`. */
export function plainFields(fields: object, withStacks: boolean): Map<string, PlainValue> {
  const plain = new Map<string, PlainValue>();
  try {
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      if (value instanceof Error) addError(plain, name, value, withStacks);
      else plain.set(name, plainField(name, value));
    }
  } catch {
    plain.set("log_error", "the fields of this line could not be read");
  }
  return plain;
}

function plainField(name: string, value: unknown): PlainValue {
  return isSecretName(name) ? MASK : plainValue(value, newWalk());
}

/** The same few names come with every line. */
const knownNames = new Map<string, boolean>();
const MOST_KNOWN_NAMES = 512;

function isSecretName(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const isSecret = SECRET_NAME.test(
    name
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replaceAll("-", "_")
      .toLowerCase(),
  );
  if (knownNames.size < MOST_KNOWN_NAMES && name.length < 64) knownNames.set(name, isSecret);
  return isSecret;
}

function addError(plain: Map<string, PlainValue>, name: string, error: Error, withStack: boolean): void {
  plain.set(name, cut(errorMessage(error)));
  if ("code" in error && error.code !== undefined)
    plain.set(`${name}_code`, plainValue(error.code, newWalk()));
  if (error.cause !== undefined) {
    plain.set(
      `${name}_cause`,
      error.cause instanceof Error ? cut(errorMessage(error.cause)) : plainValue(error.cause, newWalk()),
    );
  }
  if (withStack && error.stack !== undefined) plain.set(`${name}_stack`, cut(error.stack));
}

/** What an error says. One that gathers others, as a failed connect to two addresses, often says nothing itself. */
function errorMessage(error: Error): string {
  if (error.message !== "") return error.message;
  const gathered: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const messages = gathered.slice(0, 4).map((each) => (each instanceof Error ? each.message : String(each)));
  return messages.length === 0 ? error.name : messages.join("; ");
}

/** A walk through one value: the objects above the place it has come to, and how many parts it may still show. */
interface Walk {
  readonly above: ReadonlySet<object>;
  readonly budget: { parts: number };
}

function newWalk(): Walk {
  return { above: new Set(), budget: { parts: MAX_PARTS } };
}

function plainValue(value: unknown, walk: Walk): PlainValue {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return cut(value.toString());
    case "undefined":
      return null;
    case "function":
    case "symbol":
      return `<${typeof value}>`;
    case "object":
      return value === null ? null : plainObject(value, walk);
  }
}

function plainObject(value: object, walk: Walk): PlainValue {
  try {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "<invalid date>" : value.toISOString();
    if (value instanceof Error) return cut(errorMessage(value));
    if (value instanceof URL) return cut(value.href);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `<${value.byteLength} bytes>`;
    if (walk.above.has(value)) return "<circular>";
    if (walk.above.size >= MAX_DEPTH) return "<too deep>";
    const inside = { ...walk, above: new Set(walk.above).add(value) };
    if (value instanceof Map)
      return plainMembers(
        [...value].map(([key, item]) => [String(key), item]),
        inside,
      );
    if (value instanceof Set || Array.isArray(value)) return plainItems([...value], inside);
    return plainMembers(Object.entries(value), inside);
  } catch {
    return "<unreadable>";
  }
}

function plainItems(items: readonly unknown[], walk: Walk): PlainValue {
  const shown = affordable(items, walk);
  const plain = shown.map((item) => plainValue(item, walk));
  return items.length > shown.length ? [...plain, `<${items.length - shown.length} more>`] : plain;
}

function plainMembers(members: readonly (readonly [string, unknown])[], walk: Walk): PlainValue {
  const shown = affordable(members, walk);
  const plain = shown.map(
    ([name, item]) => [cut(name), isSecretName(name) ? MASK : plainValue(item, walk)] as const,
  );
  const more = members.length > shown.length ? ([["<more>", members.length - shown.length]] as const) : [];
  return Object.fromEntries([...plain, ...more]);
}

/** As many parts as the line has room for. */
function affordable<T>(parts: readonly T[], { budget }: Walk): readonly T[] {
  const shown = parts.slice(0, Math.min(MAX_ITEMS, budget.parts));
  budget.parts -= shown.length;
  return shown;
}

/** Passwords go first: after the cut the mask could no longer see where one ends. */
function cut(text: string): string {
  const masked = maskUrlPasswords(text);
  return masked.length <= MAX_TEXT
    ? masked
    : `${masked.slice(0, MAX_TEXT)}… (${masked.length - MAX_TEXT} more)`;
}

/** `text` with every unsafe character written out, as `\n` or `\u202e`. Valid inside and outside a JSON string. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT_ESCAPES.get(character) ?? unicodeEscape(character));
}

const SHORT_ESCAPES = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function unicodeEscape(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
