/**
 * `hero run --plan`: what a script would do, as far as that is known without running it.
 */
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { listActions } from "../script/list.ts";
import type { Action } from "../script/ast.ts";
import { writeOut } from "../output.ts";
import { printable } from "../script/diagnostics.ts";
import { writeValue } from "../script/print.ts";
import type { Program, Source } from "./program.ts";
import { makeReady, type RunOptions } from "./run.ts";
import { Session } from "./session.ts";

interface PlannedAction {
  readonly script: string;
  readonly line: number;
  readonly column: number;
  readonly action: string;
  /** `call`: a statement uses the action as a function; its parameters are known when it runs. */
  readonly form: "action" | "call";
  readonly params?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export async function planSources(sources: readonly Source[], options: RunOptions): Promise<ExitCode> {
  const session = new Session(options);
  const ready = await makeReady(sources, session, options);
  if (typeof ready === "number") return ready;
  const programs = ready.prepared.flatMap((one) => one.programs.map(({ program }) => program));
  const planned = programs.flatMap((program) => plan(program, options));
  for (const action of planned) {
    writeOut(`${options.output.json ? JSON.stringify(action) : planLine(action, programs.length > 1)}\n`);
  }
  if (planned.length === 0 && !options.output.json) options.output.note("the script names no actions");
  return exitCodes.done;
}

function plan(program: Program, options: RunOptions): PlannedAction[] {
  const byPlace = new Map(
    program.script.actions.map((action) => [`${action.line}:${action.column}`, action]),
  );
  const planned: PlannedAction[] = [];
  for (const { actor, name, line, column, form } of listActions(program.script)) {
    if (form === "call" && options.registry.action(actor, name) === undefined) continue;
    const base = { script: program.source.name, line, column, action: `${actor}.${name}`, form };
    const action = form === "action" ? byPlace.get(`${line}:${column}`) : undefined;
    planned.push(action === undefined ? base : { ...base, ...given(action) });
  }
  return planned;
}

function given(action: Action): Pick<PlannedAction, "params" | "args"> {
  return {
    params: Object.fromEntries(action.params.map(({ key, value }) => [key, value])),
    args: action.args.map(({ value }) => value),
  };
}

function planLine(planned: PlannedAction, showScript: boolean): string {
  const place = `${showScript ? `${planned.script}:` : ""}${planned.line}:${planned.column} `.padEnd(8);
  if (planned.form === "call") return `${place}${planned.action}(…)`;
  const params = Object.entries(planned.params ?? {}).map(([key, value]) => {
    const written = writeValue(value);
    return `${key}:${"inline" in written ? written.inline : `'${written.block.join("\\\\n")}'`}`;
  });
  return printable([`${place}!!${planned.action}`, ...(planned.args ?? []), ...params].join(" "));
}
