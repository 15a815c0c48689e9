/**
 * The kinds of option values: text to value, value to text. Flags, environment and configuration file all pass through
 * here, so a value means the same wherever it was written.
 */
import { MASK, maskUrlPasswords } from "../mask.ts";
import type { Address, Option } from "./table.ts";

/** A value of any kind. Durations are in milliseconds, sizes in bytes. */
export type Value = string | boolean | number | readonly string[] | Address;

export type Parsed =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly what: string; readonly next: string };

const UNIT_MS = new Map([
  ["", 1000],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const SUFFIX_BYTES = new Map([
  ["", 1],
  ["K", 1024],
  ["M", 1024 ** 2],
  ["G", 1024 ** 3],
]);
const UNIT_HINTS = new Map([
  ["seconds", ", or with a unit as in 500ms, 30s, 5m, 2h"],
  ["bytes", " in bytes, or with a suffix as in 512K, 16M, 1G"],
]);
const SWITCH = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["off", false],
  ["0", false],
]);

/** Reads a value. `texts` holds one text, or several when a list flag was repeated. */
export function parseValue(option: Option, texts: readonly string[]): Parsed {
  const text = texts.at(-1) ?? "";
  const value = readText(option, text, texts);
  if (value === undefined) return refuse(option, text, "is not accepted");
  const complaint = check(option, value);
  return complaint === undefined ? { ok: true, value } : refuse(option, text, complaint);
}

function readText(option: Option, text: string, texts: readonly string[]): Value | undefined {
  switch (option.kind) {
    case "string":
      return text === "" ? undefined : text;
    case "boolean":
      return SWITCH.get(text.toLowerCase());
    case "integer":
      return /^[+-]?\d{1,16}$/.test(text) ? Number(text) : undefined;
    case "seconds":
      return scaled(text, /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/, UNIT_MS);
    case "bytes":
      return scaled(text.toUpperCase(), /^(\d{1,16})([KMG])?$/, SUFFIX_BYTES);
    case "list": {
      if (option.verbatim === true) return Object.freeze(texts.filter((item) => item !== ""));
      const items = texts.flatMap((each) => each.split(",")).map((item) => item.trim());
      return Object.freeze(items.filter((item) => item !== ""));
    }
    case "choice":
      return option.choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
    case "address":
      return readAddress(text);
  }
}

function scaled(text: string, pattern: RegExp, units: ReadonlyMap<string, number>): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * (units.get(match[2] ?? "") ?? Number.NaN));
  return Number.isSafeInteger(value) ? value : undefined;
}

function readAddress(text: string): Address | undefined {
  const match = /^(?:(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]/@]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return Object.freeze({ host: match[1] ?? match[2] ?? "127.0.0.1", port });
}

function check(option: Option, value: Value): string | undefined {
  switch (option.kind) {
    case "integer":
    case "seconds":
    case "bytes": {
      const unit = option.kind === "seconds" ? 1000 : 1;
      const { min = 0, max = Infinity } = option;
      const fits = typeof value === "number" && value >= min * unit && value <= max * unit;
      return fits ? undefined : "is out of range";
    }
    case "string":
      return typeof value === "string" ? option.check?.(value) : undefined;
    case "list":
      for (const item of Array.isArray(value) ? value : []) {
        const complaint = option.check?.(String(item));
        if (complaint !== undefined) return complaint;
      }
      return undefined;
    case "boolean":
    case "choice":
    case "address":
      return undefined;
  }
}

/** The sentence halves for a bad value; the value itself is left out when it is secret. */
function refuse(option: Option, text: string, complaint: string): Parsed {
  const secret = option.kind === "string" && option.secret === true;
  const shown = secret ? "the value (not shown)" : quote(text);
  return {
    ok: false,
    what: `${shown} ${complaint}`,
    next: `Give ${describeKind(option)}${UNIT_HINTS.get(option.kind) ?? ""}.`,
  };
}

/** Foreign text for an error message: quoted, passwords of URLs masked, cut after 80 characters. */
export function quote(text: string): string {
  const masked = maskUrlPasswords(text);
  return JSON.stringify(masked.length > 80 ? `${masked.slice(0, 80)}…` : masked);
}

/** What a good value looks like: "a whole number from 1 to 64". */
export function describeKind(option: Option): string {
  switch (option.kind) {
    case "string":
      return option.placeholder === undefined ? "a text that is not empty" : `a ${option.placeholder}`;
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number${limits(option.min ?? 0, option.max, String)}`;
    case "seconds":
      return `a number of seconds${limits(option.min ?? 0, option.max, String)}`;
    case "bytes":
      return `a size${limits(option.min ?? 0, option.max, showBytes)}`;
    case "list":
      return option.verbatim === true
        ? `a ${option.placeholder ?? "text"}; repeat the flag for more`
        : "a list separated by commas";
    case "choice":
      return `one of ${option.choices.join(", ")}`;
    case "address":
      return "HOST:PORT, [IPV6]:PORT or a port";
  }
}

function limits(min: number, max: number | undefined, show: (limit: number) => string): string {
  if (max !== undefined) return ` from ${show(min)} to ${show(max)}`;
  return min === 0 ? "" : ` of at least ${show(min)}`;
}

/** A value as a person would write it in the configuration file (TOML), secrets masked. */
export function showValue(option: Option, value: Value): string {
  if (option.kind === "string" && option.secret === true) return JSON.stringify(MASK);
  if (typeof value === "string") return JSON.stringify(maskUrlPasswords(value));
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return showNumber(option, value);
  if ("port" in value) return JSON.stringify(showAddress(value));
  return `[${value.map((item) => JSON.stringify(maskUrlPasswords(item))).join(", ")}]`;
}

function showNumber(option: Option, value: number): string {
  if (option.kind === "seconds") return String(value / 1000);
  const text = option.kind === "bytes" ? showBytes(value) : String(value);
  return /^\d+$/.test(text) ? text : JSON.stringify(text);
}

/** `host:port`, with brackets around an IPv6 host. */
export function showAddress(address: Address): string {
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** A size with the largest suffix that leaves a whole number. */
function showBytes(bytes: number): string {
  for (const [suffix, size] of [...SUFFIX_BYTES].toReversed()) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${suffix}`;
  }
  return String(bytes);
}

/** The value an option has when nobody sets it. A default that its own kind refuses is a mistake in the table. */
export function defaultValue(option: Option): Value | undefined {
  if (option.default === undefined) {
    if (option.kind === "boolean") return false;
    return option.kind === "list" ? Object.freeze([]) : undefined;
  }
  const texts = Array.isArray(option.default) ? option.default.map(String) : [String(option.default)];
  const parsed = parseValue(option, texts);
  if (!parsed.ok) throw new Error(`default of --${option.flag}: ${parsed.what}`);
  return parsed.value;
}
