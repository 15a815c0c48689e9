/** `hero parse`: the actions of a text, as they are read. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import type { Arguments } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { writeErr, writeOut } from "../output.ts";
import { makeReporter } from "../report.ts";
import type { Action } from "../script/ast.ts";
import { conversionKinds, convertParameter, type Conversion } from "../script/conversions.ts";
import { nearestName } from "../script/names.ts";
import { parseScript } from "../script/parse.ts";
import { printActions } from "../script/print.ts";
import type { World } from "./run.ts";
import { namedSources } from "./sources.ts";

interface Question {
  readonly key: string;
  readonly kind: string;
}

export function parseCommand(args: Arguments, world: World): ExitCode {
  const [source, another] = namedSources(args, world, "parse");
  if (source === undefined || another !== undefined)
    throw new UsageError("hero parse reads one text at a time");
  const questions = (args.options.get("--get") ?? []).map((text) => readQuestion(String(text)));
  const mode = source.prose ? "prose" : "auto";
  const { script, diagnostics } = parseScript(source.text, { mode, strict: false });
  const report = makeReporter(world.environment);
  // Statements are not what this command is about.
  const shown = diagnostics.filter(({ code }) => code !== "asynchronous" && code !== "bracket");
  for (const diagnostic of shown) report({ source, script, diagnostics, steps: undefined }, diagnostic);
  const error = shown.find(({ severity }) => severity === "error");
  const json = args.options.has("--json");
  if (error !== undefined) {
    if (json) writeOut(`${JSON.stringify({ actions: [], error: error.code })}\n`);
    return exitCodes.syntax;
  }
  const conversions = questions.map((question) => answer(question, script.actions[0], world));
  if (json)
    writeOut(`${JSON.stringify(answerObject(script.actions, conversions, questions.length > 0), null, 2)}\n`);
  else showPlainly(script.actions, conversions);
  const failed = conversions.some((conversion) => "error" in conversion);
  // In JSON a conversion that fails is an answer like any other.
  return failed && !json ? exitCodes.badParameter : exitCodes.done;
}

/** The key may hold colons itself; the kind is behind the last one. */
function readQuestion(text: string): Question {
  const colon = text.lastIndexOf(":");
  const kind = text.slice(colon + 1);
  if (colon < 1) throw new UsageError(`--get needs KEY:KIND, not "${text}"`);
  if (!conversionKinds.includes(kind)) {
    const nearest = nearestName(kind, conversionKinds);
    throw new UsageError(
      `there is no kind "${kind}"`,
      nearest === undefined ? `kinds: ${conversionKinds.join(", ")}` : `did you mean "${nearest}"?`,
    );
  }
  return { key: text.slice(0, colon), kind };
}

type Answer = Question & Conversion;

function answer(question: Question, action: Action | undefined, world: World): Answer {
  const { key, kind } = question;
  const home = world.environment["HOME"] ?? homedir();
  const surroundings = { home, nowUnix: Math.floor(Date.now() / 1000), exists: existsSync };
  return { ...question, ...convertParameter(action ?? { params: [], args: [] }, key, kind, surroundings) };
}

function actionObject(action: Action): object {
  return {
    actor: action.actor,
    name: action.name,
    params: action.params.map(({ key, value }) => ({ key, value })),
    args: action.args.map(({ value }) => value),
    ...(action.comment === undefined ? {} : { comment: action.comment }),
  };
}

/** The key of `arg_int` is a position, so it is a number there; a failed conversion is `error: true`. */
function answerObject(actions: readonly Action[], answers: readonly Answer[], asked: boolean): object {
  const conversions = answers.map((one) => ({
    key: one.kind === "arg_int" && /^\d+$/.test(one.key) ? Number(one.key) : one.key,
    kind: one.kind,
    ...("error" in one ? { error: true } : { value: one.value }),
  }));
  return { actions: actions.map(actionObject), ...(asked ? { conversions } : {}) };
}

function showPlainly(actions: readonly Action[], answers: readonly Answer[]): void {
  if (answers.length === 0) writeOut(printActions(actions));
  for (const one of answers) {
    if ("error" in one) writeErr(`hero: ${one.error}\n`);
    else writeOut(`${typeof one.value === "object" ? JSON.stringify(one.value) : String(one.value)}\n`);
  }
}
