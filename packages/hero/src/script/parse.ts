/**
 * Text in, actions and diagnostics out. Never throws, whatever the text; reads to the end and reports all problems at
 * once. Touches neither files nor the environment, so that another program can judge a script by the same rules.
 */
import type { Action, Argument, Call, Entry, Parameter, ParseOptions, Script } from "./ast.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { BracketFault, Token } from "./javascript.ts";
import { fixName } from "./names.ts";
import { readParameters } from "./parameters.ts";
import type { Problem } from "./problem.ts";
import { readLines, type ActionLines, type ReadLines, type Stray } from "./reader.ts";
import { firstVisible, isSpace, lineAt, positionAt, splitLines, type SourceLine } from "./text.ts";
import { StatementWatch } from "./statements.ts";

export interface ParsedScript {
  readonly script: Script;
  /** By position. With an error among them the actions are what could be read, for tools, not for running. */
  readonly diagnostics: readonly Diagnostic[];
}

export function parseScript(text: string, options: ParseOptions = {}): ParsedScript {
  const mode = options.mode ?? "script";
  const strict = options.strict ?? true;
  const lines = splitLines(text);
  if (mode !== "auto") return parseLines(text, lines, { statements: mode === "script", strict });
  const asScript = parseLines(text, lines, { statements: true, strict });
  const torn = asScript.diagnostics.some((diagnostic) => diagnostic.code === "bracket");
  return torn ? parseLines(text, lines, { statements: false, strict }) : asScript;
}

interface Reading {
  readonly lines: readonly SourceLine[];
  readonly strict: boolean;
  readonly diagnostics: Diagnostic[];
}

function parseLines(
  text: string,
  lines: readonly SourceLine[],
  how: { readonly statements: boolean; readonly strict: boolean },
): ParsedScript {
  const reading: Reading = { lines, strict: how.strict, diagnostics: [] };
  const watch = new StatementWatch();
  const read = readLines(lines, how.statements, (token: Token) => watch.see(token));
  const actions = read.actions.flatMap((group) => readAction(reading, group) ?? []);
  for (const stray of read.strays) reportStray(reading, stray);
  if (how.statements) reportStatements(reading, read, watch);
  const calls: Call[] = watch.calls.map((call) => ({
    actor: call.actor,
    name: call.name,
    ...positionAt(lines, call.offset),
  }));
  reading.diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    script: {
      text,
      lines: lines.map((line, index) => ({ ...line, role: read.roles[index] ?? "blank" })),
      actions,
      hasStatements: read.hasStatements,
      calls,
      ownWords: watch.ownWords,
    },
    diagnostics: reading.diagnostics,
  };
}

function report(reading: Reading, problem: Problem): void {
  const soft = problem.warning === true || (problem.lossy === true && !reading.strict);
  reading.diagnostics.push({
    severity: soft ? "warning" : "error",
    code: problem.code,
    message: problem.message,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...positionAt(reading.lines, problem.offset),
    length: problem.length,
  });
}

interface Head {
  readonly bangs: number;
  readonly actor: string;
  readonly name: string;
  readonly offset: number;
  /** Index in the line right behind the head. */
  readonly end: number;
}

function readHead(reading: Reading, line: SourceLine): Head | undefined {
  const start = firstVisible(line.raw);
  let bangs = 0;
  while (line.raw.charAt(start + bangs) === "!") bangs++;
  let end = start + bangs;
  while (end < line.raw.length && !isSpace(line.raw.charAt(end))) end++;
  const offset = line.start + start;
  if (bangs > 4) {
    report(reading, {
      code: "five-bangs",
      message: `${bangs} exclamation marks; an action starts with two`,
      offset,
      length: bangs,
      hint: `!!${line.raw.slice(start + bangs, end)}`,
    });
    return undefined;
  }
  const written = line.raw.slice(start + bangs, end);
  const parts = written.split(".");
  if (parts.length > 2) {
    report(reading, {
      code: "name-parts",
      message: `"${written}" has ${parts.length} parts; an action is named actor.action`,
      offset,
      length: end - start,
    });
    return undefined;
  }
  const [first = "", second] = parts;
  const actor = second === undefined ? "core" : fixName(first);
  return { bangs, actor, name: fixName(second ?? first), offset, end };
}

function readAction(reading: Reading, group: ActionLines): Action | undefined {
  const [headLine] = group.lines;
  const lastLine = group.lines.at(-1);
  if (headLine === undefined || lastLine === undefined) return undefined;
  const head = readHead(reading, headLine);
  if (head === undefined) return undefined;
  const { entries, problems } = readParameters(group.lines, head.end);
  for (const problem of problems) report(reading, problem);
  const { line, column } = positionAt(reading.lines, head.offset);
  return {
    actor: head.actor,
    name: head.name,
    bangs: head.bangs,
    params: collectParameters(reading, entries),
    args: collectArguments(reading, entries),
    ...(group.comment === undefined ? {} : { comment: group.comment }),
    entries,
    offset: head.offset,
    line,
    column,
    headLength: head.end - firstVisible(headLine.raw),
    lastLine: lastLine.number,
    indent: headLine.indent,
  };
}

function collectParameters(reading: Reading, entries: readonly Entry[]): Parameter[] {
  const params = new Map<string, Parameter>();
  const warn = (problem: Omit<Problem, "warning">) => report(reading, { ...problem, warning: true });
  for (const entry of entries) {
    if (entry.kind !== "parameter") continue;
    const length = Math.max(1, entry.key.length);
    const place = { offset: entry.offset, length };
    if (entry.key === "id") {
      const message = "the parameter id is reserved by the language and has no effect";
      warn({ code: "reserved-id", message, ...place });
      continue;
    }
    if (entry.key === "") {
      const message = "this value belongs to no name";
      warn({
        code: "empty-key",
        message,
        ...place,
        hint: "write name:value without a space before the colon",
      });
    }
    if (params.has(entry.key)) {
      warn({ code: "repeated", message: `${entry.key} is given twice; the last one counts`, ...place });
      params.delete(entry.key);
    }
    params.set(entry.key, entry);
  }
  return [...params.values()];
}

/** A repeat is dropped only if its lower-case form is there already, exactly. */
function collectArguments(reading: Reading, entries: readonly Entry[]): Argument[] {
  const args: Argument[] = [];
  const seen = new Set<string>();
  for (const entry of entries) {
    if (entry.kind !== "argument") continue;
    if (seen.has(entry.value.toLowerCase())) {
      report(reading, {
        code: "repeated",
        message: `the argument ${entry.value} is given twice; the second is dropped`,
        offset: entry.offset,
        length: Math.max(1, entry.value.length),
        warning: true,
      });
      continue;
    }
    seen.add(entry.value);
    args.push(entry);
  }
  return args;
}

function reportStray(reading: Reading, stray: Stray): void {
  const start = firstVisible(stray.line.raw);
  const oneSpace = stray.kind === "one-space";
  report(reading, {
    code: stray.kind,
    message: oneSpace
      ? `indented by one column, this line does not belong to the action in line ${stray.actionLine}`
      : `this line does not belong to the action in line ${stray.actionLine}, which ended before it`,
    offset: stray.line.start + start,
    length: Math.max(1, stray.line.raw.trim().length),
    hint: oneSpace
      ? "a parameter line is indented by two or more columns"
      : "indent a comment between the parameters of an action as they are",
    lossy: true,
  });
}

function reportStatements(reading: Reading, read: ReadLines, watch: StatementWatch): void {
  for (const fault of read.scanner.faults.slice(0, 1)) reportBracket(reading, fault);
  const unclosed = read.scanner.innermost;
  if (read.scanner.faults.length === 0 && unclosed !== undefined) {
    report(reading, {
      code: "bracket",
      message: `this ${unclosed.char} is never closed`,
      offset: unclosed.offset,
      length: unclosed.char.length,
    });
  }
  for (const word of watch.asynchronous) {
    report(reading, {
      code: "asynchronous",
      message: `${word.text} is not available: a script runs from top to bottom, one thing after the other`,
      offset: word.offset,
      length: word.text.length,
      ...(word.text === "import" ? { hint: "own actors are loaded with --actors DIR" } : {}),
    });
  }
}

function reportBracket(reading: Reading, fault: BracketFault): void {
  const opener = fault.opener;
  const message =
    opener === undefined
      ? `this ${fault.char} closes nothing`
      : `this ${fault.char} does not match the ${opener.char} opened in line ${lineAt(reading.lines, opener.offset).number}`;
  report(reading, { code: "bracket", message, offset: fault.offset, length: 1 });
}
