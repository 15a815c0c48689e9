/** `hero check`: everything that can be said about scripts without running them. */
import { homedir } from "node:os";
import { optionText, type Arguments } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { textOutput, writeOut } from "../output.ts";
import { loadActors } from "../own-actors.ts";
import { Registry } from "../registry.ts";
import { makeReporter } from "../report.ts";
import { allowFault, readAllowList } from "../run/allow.ts";
import type { Source } from "../run/program.ts";
import { makeReady, type RunOptions } from "../run/run.ts";
import { Session } from "../run/session.ts";
import type { World } from "./run.ts";
import { namedSources } from "./sources.ts";

export async function checkCommand(args: Arguments, world: World): Promise<ExitCode> {
  const registry = new Registry();
  const folder = optionText(args, "--actors");
  if (folder !== undefined) await loadActors(registry, folder, world.cwd);
  const json = args.options.has("--json");
  const show = makeReporter(world.environment);
  const options: RunOptions = {
    registry,
    output: textOutput,
    allow: (args.options.get("--allow") ?? []).map((text) => readAllowList(String(text))),
    environment: world.environment,
    home: world.environment["HOME"] ?? homedir(),
    cwd: world.cwd,
    args: [],
    deadlineMs: undefined,
    nowMs: world.nowMs,
    report: (program, diagnostic) => {
      if (json) writeOut(`${JSON.stringify({ script: program.source.name, ...diagnostic })}\n`);
      else show(program, diagnostic);
    },
  };
  const fault = options.allow
    .flat()
    .map(allowFault)
    .find((found) => found !== undefined);
  if (fault !== undefined) throw new UsageError(fault);
  let code: ExitCode = exitCodes.done;
  for (const source of namedSources(args, world, "check")) {
    const found = await checkOne(source, options, json);
    if (code === exitCodes.done) code = found;
  }
  return code;
}

async function checkOne(source: Source, options: RunOptions, quiet: boolean): Promise<ExitCode> {
  const ready = await makeReady([source], new Session(options), options);
  if (typeof ready === "number") return ready;
  const count = ready.prepared
    .flatMap((one) => one.programs)
    .reduce((sum, one) => sum + one.program.script.actions.length, 0);
  if (!quiet) writeOut(`${source.name}: ok, ${count} ${count === 1 ? "action" : "actions"}\n`);
  return exitCodes.done;
}
