/**
 * The plain conversions of parameter values: numbers, booleans and lists. Each returns undefined when the text is not
 * of its kind.
 */
import { trimSpace } from "./text.ts";

const maxInt = 2_147_483_647;

/** 32-bit whole number with an optional sign. */
export function readInt(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -maxInt - 1 && value <= maxInt ? value : undefined;
}

/** Digits only, up to and including `max`. */
export function readUnsigned(text: string, max: number): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** A number; with a percent sign anywhere it is divided by 100. */
export function readFloat(text: string): number | undefined {
  const percent = text.includes("%");
  const digits = trimSpace(text.replaceAll("%", ""));
  if (!/^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(digits)) return undefined;
  const value = Number(digits);
  if (!Number.isFinite(value)) return undefined;
  return percent ? value / 100 : value;
}

const trueWords = new Set(["", "1", "true", "y", "yes"]);
const falseWords = new Set(["", "0", "false", "n", "no"]);

/**
 * A switch whose default is true knows only `1 true y yes` (and an empty text) as true; one whose default is false
 * knows only `0 false n no` (and an empty text) as false.
 */
export function readBool(text: string, defaultValue: boolean): boolean {
  const word = text.toLowerCase().replace(/[^a-z0-9]/g, "");
  return defaultValue ? trueWords.has(word) : !falseWords.has(word);
}

/** Outer brackets and quotes removed, empty items dropped. Commas split, even inside quotes. */
export function readList(text: string): string[] {
  const inner = trimSpace(text).replace(/^\[+/, "").replace(/\]+$/, "");
  return inner
    .split(",")
    .map((item) => item.replace(/^[\s'"]+/, "").replace(/[\s'"]+$/, ""))
    .filter((item) => item !== "");
}
