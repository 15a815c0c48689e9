/**
 * Reads a parameter as one of the kinds the language knows. Asked for by name, so that other tools can ask the same
 * questions: `hero parse --get port:int`.
 */
import { readClockSeconds, readUnixTime } from "./kinds-time.ts";
import { readBool, readFloat, readInt, readList, readUnsigned } from "./kinds.ts";
import {
  readBytes,
  readCurrency,
  readEmail,
  readGigabytes,
  readTelephone,
  type Money,
} from "./kinds-resource.ts";
import { fixNameKeepExtension } from "./names.ts";
import { trimSpace } from "./text.ts";

export type ConvertedValue = string | number | boolean | Money | readonly (string | number | boolean)[];
export type Conversion = { readonly value: ConvertedValue } | { readonly error: string };

/** What a conversion needs to know of the world. */
export interface Surroundings {
  readonly home: string;
  /** Seconds since 1970. */
  readonly nowUnix: number;
  readonly exists: (path: string) => boolean;
}

export interface Subject {
  readonly params: readonly { readonly key: string; readonly value: string }[];
  readonly args: readonly { readonly value: string }[];
}

type Reader = (text: string, world: Surroundings) => ConvertedValue | undefined;

const unsigned = (max: number) => (text: string) => readUnsigned(text, max);

/** Past 2^53 a JSON number would be another number, so the digits stay text. */
function readU64(text: string): number | string | undefined {
  if (!/^[0-9]+$/.test(text) || BigInt(text) > 18_446_744_073_709_551_615n) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text).toString();
}

function readPercentage(text: string): number | undefined {
  const value = readFloat(text.replaceAll("%", ""));
  return value === undefined || value < 0 || value > 100 ? undefined : value / 100;
}

/** Items of a list of numbers; brackets are not taken off. */
function listOf(read: (text: string) => ConvertedValue | undefined) {
  return (text: string): ConvertedValue | undefined => {
    const items: (string | number | boolean)[] = [];
    for (const part of trimSpace(text) === "" ? [] : text.split(",")) {
      const item = read(trimSpace(part));
      if (item === undefined || typeof item === "object") return undefined;
      items.push(item);
    }
    return items;
  };
}

function readPath(text: string, world: Surroundings): string | undefined {
  const path = text.replaceAll("~", world.home);
  return world.exists(path) ? path : undefined;
}

const numbers: readonly [string, Reader][] = [
  ["int", readInt],
  ["u8", unsigned(255)],
  ["u16", unsigned(65_535)],
  ["u32", unsigned(4_294_967_295)],
  ["u64", readU64],
  ["float", readFloat],
];

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...numbers,
  ...numbers.map(([kind, read]): [string, Reader] => [`list_${kind}`, listOf((text) => read(text, noWorld))]),
  ["string", trimSpace],
  ["percentage", readPercentage],
  ["bool_default_true", (text) => readBool(text, true)],
  ["bool_default_false", (text) => readBool(text, false)],
  ["list", readList],
  ["list_namefix", (text) => readList(text).map(fixNameKeepExtension)],
  ["list_bool", listOf((text) => text === "true" || text === "t")],
  ["bytes", readBytes],
  ["gigabytes", readGigabytes],
  ["time_unix", (text, world) => readUnixTime(text, world.nowUnix)],
  ["clock_seconds", readClockSeconds],
  ["currency", readCurrency],
  ["telnr", readTelephone],
  ["telnrs", (text) => readList(text).map(readTelephone)],
  ["email", readEmail],
  ["emails", (text) => readList(text).map(readEmail)],
  ["path", readPath],
]);

const noWorld: Surroundings = { home: "", nowUnix: 0, exists: () => false };

export const conversionKinds: readonly string[] = [...readers.keys(), "arg_int"];

/** What a missing parameter is read as, for the kinds that have an answer. */
const whenMissing: ReadonlyMap<string, ConvertedValue> = new Map<string, ConvertedValue>([
  ["bool_default_true", true],
  ["bool_default_false", false],
  ...[...readers.keys()]
    .filter((kind) => kind.startsWith("list"))
    .map((kind): [string, ConvertedValue] => [kind, []]),
  ["telnrs", []],
  ["emails", []],
]);

/** `key` is a parameter name; for `arg_int` the position of an argument, from 0. */
export function convertParameter(
  subject: Subject,
  key: string,
  kind: string,
  world: Surroundings,
): Conversion {
  if (kind === "arg_int") return convertArgument(subject, key);
  const read = readers.get(kind);
  if (read === undefined) return { error: `there is no kind "${kind}"` };
  const name = fixNameKeepExtension(key);
  const parameter = subject.params.find((candidate) => candidate.key === name);
  if (parameter === undefined) {
    const value = whenMissing.get(kind);
    return value === undefined ? { error: `there is no parameter "${name}"` } : { value };
  }
  const value = read(kind.startsWith("list") ? parameter.value : trimSpace(parameter.value), world);
  return value === undefined
    ? { error: `${name} is "${parameter.value}", which is not of kind ${kind}` }
    : { value };
}

function convertArgument(subject: Subject, key: string): Conversion {
  const position = readUnsigned(key, Number.MAX_SAFE_INTEGER);
  const argument = position === undefined ? undefined : subject.args[position];
  if (argument === undefined) return { error: `there is no argument at position ${key}` };
  const value = readInt(argument.value);
  return value === undefined
    ? { error: `argument ${key} is "${argument.value}", not a whole number` }
    : { value };
}
