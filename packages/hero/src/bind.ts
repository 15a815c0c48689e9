/**
 * From what a script gives to what an action takes: every parameter known, of its kind, required ones present. All
 * problems of a call are returned together; nothing is performed here.
 */
import { isAbsolute, join, resolve } from "node:path";
import type { ActionDefinition, ParameterDefinition } from "./actor.ts";
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
  for (const key of given.params.keys()) {
    if (!known.has(key)) problems.push(unknownParameter(key, [...known.keys()]));
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
  for (const [key, parameter] of known) {
    if (given.unknownValues?.has(key) === true) continue;
    const value = given.params.get(key);
    const converted = convert(parameter, value, places);
    if ("fault" in converted) problems.push({ key, message: `${key} ${converted.fault}` });
    else input[key] = converted.value;
  }
  if (problems.length === 0 && (given.unknownValues?.size ?? 0) === 0) {
    // The input was just built from these definitions.
    const sentence = definition.check?.(input as never, given.args);
    if (sentence !== undefined) problems.push({ message: sentence });
  }
  return { input, problems };
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
  if (parameter.kind === "bool") return convertBool(parameter, missing ? "" : value);
  if (missing) {
    if (parameter.required === true) return { fault: "is missing" };
    if (typeof parameter.default === "string" && parameter.kind === "path") {
      return { value: toPath(parameter.default, places) };
    }
    return { value: parameter.default };
  }
  if (parameter.kind === "list") return convertList(value);
  if (typeof value === "object" || typeof value === "function") return { fault: "must be a single value" };
  // Only strings, numbers, booleans and bigints are left.
  return convertText(parameter, String(value as string | number | boolean | bigint), places);
}

function convertBool(parameter: ParameterDefinition, value: unknown): Converted {
  if (typeof value === "boolean") return { value };
  if (typeof value !== "string" && typeof value !== "number") return { fault: "must be true or false" };
  return { value: readBool(String(value), parameter.default !== false) };
}

function convertList(value: unknown): Converted {
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    if (items.some((item) => typeof item === "object" && item !== null))
      return { fault: "must be a list of texts" };
    return { value: items.map(String) };
  }
  if (typeof value === "object") return { fault: "must be a list" };
  return { value: readList(String(value)) };
}

function convertText(parameter: ParameterDefinition, text: string, places: Places): Converted {
  if (parameter.required === true && text === "") return { fault: "is empty" };
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
      return text.includes("\0") ? { fault: "holds a zero character" } : { value: text };
  }
}

/** Why a text cannot be handed to another program as a name; undefined when it can. */
export function nameFault(text: string): string | undefined {
  if (text.startsWith("-")) return `"${text}" looks like an option; a name cannot start with -`;
  if (/[\u0000-\u001f\u007f]/.test(text)) return "holds a control character";
  return undefined;
}

function toPath(text: string, places: Places): string {
  if (text === "~") return places.home;
  if (text.startsWith("~/")) return join(places.home, text.slice(2));
  return isAbsolute(text) ? resolve(text) : resolve(places.folder, text);
}
