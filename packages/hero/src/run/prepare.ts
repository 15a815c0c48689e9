/**
 * Reads, parses and checks a script and everything it includes, before anything runs. A file that is not there yet
 * (a clone may bring it) is left for the moment it is included.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { folderScripts, isProse } from "../source.ts";
import type { Registry } from "../registry.ts";
import type { Action } from "../script/ast.ts";
import type { Diagnostic } from "../script/diagnostics.ts";
import { positionAt } from "../script/text.ts";
import { readPairs } from "../actors/play-pairs.ts";
import { checkProgram, type CheckOptions } from "./check.ts";
import { makeProgram, type Program, type Source } from "./program.ts";

export interface CheckedProgram {
  readonly program: Program;
  readonly diagnostics: readonly Diagnostic[];
}

/** Applies the replacements of an include to the raw text: `@name`, then `${name}`, then `{name}`. */
function replaceNames(text: string, replacements: ReadonlyMap<string, string>): string {
  let replaced = text;
  for (const [name, value] of replacements) {
    const patterns = /^[@$[{]/.test(name) ? [name] : [`@${name}`, `\${${name}}`, `{${name}}`];
    for (const pattern of patterns) replaced = replaced.replaceAll(pattern, value);
  }
  return replaced;
}

/** The files an include path stands for; undefined when there is nothing. */
export function includeFiles(path: string, folder: string, home: string): string[] | undefined {
  const expanded = path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path;
  const full = isAbsolute(expanded) ? expanded : resolve(folder, expanded);
  if (!existsSync(full)) return undefined;
  return statSync(full).isDirectory() ? folderScripts(full) : [full];
}

export function includeSource(file: string, replacements: ReadonlyMap<string, string>): Source {
  return {
    name: file,
    text: replaceNames(readFileSync(file, "utf8"), replacements),
    folder: dirname(file),
    file: realpathSync(file),
    prose: isProse(file),
  };
}

function literal(action: Action, key: string): string | undefined {
  const parameter = action.params.find((candidate) => candidate.key === key);
  if (parameter === undefined || parameter.value.includes("{")) return undefined;
  return parameter.value;
}

function isInclude(action: Action): boolean {
  return action.actor === "play" && action.name === "include";
}

interface Walk {
  readonly home: string;
  readonly programs: Program[];
  readonly extra: Map<Program, Diagnostic[]>;
  readonly seen: Set<string>;
}

/** What an include stands for, if that can be said before running; the rest is judged when it is included. */
function includedNow(action: Action, source: Source, home: string): Source[] {
  const path = literal(action, "path");
  const replace = literal(action, "replace") ?? "";
  const open = action.params.some(({ key, value }) => key === "replace" && value.includes("{"));
  if (path === undefined || open) return [];
  try {
    const { pairs } = readPairs(replace);
    return (includeFiles(path, source.folder, home) ?? []).map((file) => includeSource(file, pairs));
  } catch {
    return [];
  }
}

/** Makes the programs of a source and of all it includes by a literal path. */
function walk(source: Source, trail: readonly string[], state: Walk): void {
  const program = makeProgram(source);
  state.programs.push(program);
  const own: Diagnostic[] = [];
  state.extra.set(program, own);
  const here = source.file === undefined ? trail : [...trail, source.file];
  for (const action of program.script.actions.filter(isInclude)) {
    const replace = literal(action, "replace");
    for (const included of includedNow(action, source, state.home)) {
      const real = included.file ?? included.name;
      if (here.includes(real)) {
        own.push(cycle(program, action, [...here.slice(here.indexOf(real)), real]));
        continue;
      }
      const key = `${real}\0${replace ?? ""}`;
      if (state.seen.has(key)) continue;
      state.seen.add(key);
      walk(included, here, state);
    }
  }
}

function cycle(program: Program, action: Action, files: readonly string[]): Diagnostic {
  const parameter = action.params.find((candidate) => candidate.key === "path");
  return {
    severity: "error",
    code: "bad-parameter",
    message: `play.include: these scripts include each other: ${files.join(" → ")}`,
    ...positionAt(program.script.lines, parameter?.offset ?? action.offset),
    length: 4,
  };
}

export interface Prepared {
  /** The first one is the script itself; the others are what it includes. */
  readonly programs: readonly CheckedProgram[];
  /** Something is included whose text is only known at run time. */
  readonly open: boolean;
}

export async function prepare(
  source: Source,
  options: Omit<CheckOptions, "hasVariables">,
): Promise<Prepared> {
  const state: Walk = { home: options.home, programs: [], extra: new Map(), seen: new Set() };
  walk(source, [], state);
  const actions = state.programs.flatMap((program) => program.script.actions);
  const includes =
    actions.some(isInclude) ||
    state.programs.some((program) => /\bplay\b/.test(program.source.text) && program.steps === undefined);
  await options.registry.load(
    includes ? options.registry.names : neededActors(state.programs, options.registry),
  );
  const check = {
    ...options,
    hasVariables: state.programs.some((program) => program.source.text.includes("session")),
  };
  return {
    programs: state.programs.map((program) => checked(program, check, state.extra.get(program) ?? [])),
    open: includes,
  };
}

/** Actors named by actions, and those whose name stands anywhere in a script that has statements. */
function neededActors(programs: readonly Program[], registry: Registry): string[] {
  const needed = new Set(programs.flatMap((program) => program.script.actions.map((action) => action.actor)));
  const mistyped = [...needed].some((name) => !registry.has(name) || name === "core");
  if (mistyped) return registry.names;
  for (const program of programs) {
    if (program.steps !== undefined) continue;
    for (const name of registry.names) if (program.source.text.includes(name)) needed.add(name);
  }
  return [...needed];
}

export function checked(
  program: Program,
  options: CheckOptions,
  extra: readonly Diagnostic[] = [],
): CheckedProgram {
  const diagnostics = [...checkProgram(program, options), ...extra];
  return { program, diagnostics: diagnostics.sort((a, b) => a.line - b.line || a.column - b.column) };
}
