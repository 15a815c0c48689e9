/**
 * From what a script gives to what an action takes: every parameter known, of its kind, required ones present. All
 * problems of a call are returned together; nothing is performed here.
 */
import { isAbsolute, join, resolve } from "node:path";
import type { ActionDefinition, ParameterDefinition } from "./actor.ts";
import { messageOf } from "./errors.ts";
import { nearestName } from "./script/names.ts";
import { readBool, readFloat, readInt, readList } from "./script/kinds.ts";

export interface Given {
  readonly params: ReadonlyMap<string, unknown>;
  readonly args: readonly string[];
  /** Names of parameters whose value is only known when the script runs. */
  readonly unknownValues?: ReadonlySet<string>;
}

export interface BindProblem {
  /** The parameter at fault; undefined when it is the action as a whole. */
  readonly key?: string;
  /** Index of the argument at fault. */
  readonly argument?: number;
  readonly message: string;
  readonly hint?: string;
}

export interface Bound {
  readonly input: Readonly<Record<string, unknown>>;
  readonly rest: ReadonlyMap<string, string>;
  readonly problems: readonly BindProblem[];
}

export interface Places {
  readonly folder: string;
  readonly home: string;
}

type Converted = { readonly value: unknown } | { readonly fault: string };

export function bindParameters(definition: ActionDefinition, given: Given, places: Places): Bound {
  const problems: BindProblem[] = [];
  const input: Record<string, unknown> = Object.create(null);
  const known = new Map(Object.entries(definition.params));
  const rest = new Map<string, string>();
  for (const [key, value] of given.params) {
    if (known.has(key)) continue;
    if (definition.rest === undefined || key === "") problems.push(unknownParameter(key, [...known.keys()]));
    else if (plainText(value) === undefined) problems.push({ key, message: `${key} must be a single value` });
    else rest.set(key, plainText(value) ?? "");
  }
  if (definition.args === undefined && given.args.length > 0) {
    problems.push({
      argument: 0,
      message: `the word "${given.args[0]}" belongs to no parameter`,
      hint:
        known.size > 0
          ? `parameters are written name:value; known: ${[...known.keys()].join(", ")}`
          : "this action takes no parameters",
    });
  }
  for (const [argument, word] of given.args.entries()) {
    const fault = nameFault(word);
    if (fault !== undefined) problems.push({ argument, message: fault });
  }
  for (const [key, parameter] of known) {
    if (given.unknownValues?.has(key) === true) continue;
    const value = given.params.get(key);
    const converted = convert(parameter, value, places);
    if ("fault" in converted) problems.push({ key, message: `${key} ${converted.fault}` });
    else input[key] = converted.value;
  }
  if (problems.length === 0 && (given.unknownValues?.size ?? 0) === 0) {
    const sentence = ownFault(definition, input, given.args);
    if (sentence !== undefined) problems.push({ message: sentence });
  }
  return { input, rest, problems };
}

/** What the action itself says about its input; an error that an own actor throws there is its sentence too. */
function ownFault(
  definition: ActionDefinition,
  input: Readonly<Record<string, unknown>>,
  args: readonly string[],
): string | undefined {
  try {
    // The input was just built from these definitions.
    return definition.check?.(input as never, args);
  } catch (error) {
    return messageOf(error);
  }
}

function unknownParameter(key: string, known: readonly string[]): BindProblem {
  const nearest = nearestName(key, known);
  const hint =
    nearest !== undefined
      ? `did you mean "${nearest}"?`
      : known.length > 0
        ? `known parameters: ${known.join(", ")}`
        : "this action takes no parameters";
  return { key, message: `there is no parameter "${key}"`, hint };
}

function convert(parameter: ParameterDefinition, value: unknown, places: Places): Converted {
  const missing = value === undefined || value === null;
  if (missing) {
    if (parameter.required === true) return { fault: "is missing" };
    if (typeof parameter.default === "string" && parameter.kind === "path") {
      return { value: toPath(parameter.default, places) };
    }
    return { value: parameter.default };
  }
  if (parameter.kind === "bool") return convertBool(parameter, value);
  if (parameter.kind === "list" || parameter.kind === "names") return convertList(parameter, value);
  if (parameter.kind === "words") return convertWords(parameter, value);
  const text = plainText(value);
  return text === undefined ? { fault: "must be a single value" } : convertText(parameter, text, places);
}

/** A single value as text; undefined for lists, objects and nothing. */
function plainText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

function convertBool(parameter: ParameterDefinition, value: unknown): Converted {
  if (typeof value === "boolean") return { value };
  if (typeof value !== "string" && typeof value !== "number") return { fault: "must be true or false" };
  return { value: readBool(String(value), parameter.default !== false) };
}

function listItems(value: unknown): string[] | string {
  if (!Array.isArray(value)) {
    const text = plainText(value);
    return text === undefined ? "must be a list" : readList(text);
  }
  const items = value.map(plainText);
  return items.every((item) => item !== undefined) ? items : "must be a list of texts";
}

function convertList(parameter: ParameterDefinition, value: unknown): Converted {
  const items = listItems(value);
  if (typeof items === "string") return { fault: items };
  if (parameter.required === true && items.length === 0) return { fault: "is empty" };
  const fault =
    parameter.kind === "names" ? items.map(nameFault).find((found) => found !== undefined) : undefined;
  return fault === undefined ? { value: items } : { fault };
}

function convertWords(parameter: ParameterDefinition, value: unknown): Converted {
  const words = Array.isArray(value) ? listItems(value) : splitWords(plainText(value) ?? "");
  if (words === undefined) return { fault: "holds a quote that is never closed" };
  if (typeof words === "string") return { fault: words };
  if (parameter.required === true && words.length === 0) return { fault: "is empty" };
  return words.some((word) => word.includes("\0")) ? { fault: "holds a zero character" } : { value: words };
}

/** White space separates words; quotes of both kinds hold together; a backslash takes the next character as it is. */
function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (quote !== "" && char === quote) quote = "";
    else if (char === "\\" && quote !== "'" && index + 1 < text.length)
      word = (word ?? "") + text.charAt(++index);
    else if (quote !== "") word = (word ?? "") + char;
    else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

function convertText(parameter: ParameterDefinition, text: string, places: Places): Converted {
  if (parameter.required === true && text === "" && parameter.allowEmpty !== true)
    return { fault: "is empty" };
  if (parameter.choices !== undefined && !parameter.choices.includes(text)) {
    const nearest = nearestName(text, parameter.choices);
    const meant = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
    return { fault: `is "${text}" but must be one of ${parameter.choices.join(", ")}${meant}` };
  }
  switch (parameter.kind) {
    case "int": {
      const number = readInt(text);
      return number === undefined ? { fault: `is "${text}" but must be a whole number` } : { value: number };
    }
    case "float": {
      const number = readFloat(text);
      return number === undefined ? { fault: `is "${text}" but must be a number` } : { value: number };
    }
    case "name": {
      const fault = nameFault(text);
      return fault === undefined ? { value: text } : { fault };
    }
    case "path":
      return text.includes("\0") ? { fault: "holds a zero character" } : { value: toPath(text, places) };
    case "string":
    case "bool":
    case "list":
    case "names":
    case "words":
      return text.includes("\0") ? { fault: "holds a zero character" } : { value: text };
  }
}

/** Why a text cannot be handed to another program as a name; undefined when it can. */
function nameFault(text: string): string | undefined {
  if (text.startsWith("-")) return `"${text}" looks like an option; a name cannot start with -`;
  if (text === "") return "is empty";
  if (/[\u0000-\u001f\u007f]/.test(text)) return `"${text}" holds a control character`;
  return undefined;
}

function toPath(text: string, places: Places): string {
  if (text === "~") return places.home;
  if (text.startsWith("~/")) return join(places.home, text.slice(2));
  return isAbsolute(text) ? resolve(text) : resolve(places.folder, text);
}
