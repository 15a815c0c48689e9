/** The tables of `hero` as the completion scripts of all programs want them. */
import type {
  CompletionCommand,
  CompletionFlag,
  CompletionTree,
} from "../../../packages/daemon/src/completion/tree.ts";
import type { CommandSpec, OptionSpec } from "../../../packages/hero/src/command-line.ts";
import { runSpec } from "../../../packages/hero/src/commands/run.ts";
import {
  actorsSpec,
  checkSpec,
  completionSpec,
  fmtSpec,
  parseSpec,
} from "../../../packages/hero/src/commands/specs.ts";

/** In the order of the help. */
export const heroCommands = [runSpec, checkSpec, fmtSpec, parseSpec, actorsSpec, completionSpec] as const;

const version: CompletionFlag = {
  spellings: ["--version", "-V"],
  description: "print the version, then exit",
  value: undefined,
};
const help: CompletionFlag = {
  spellings: ["--help", "-h"],
  description: "explain the commands",
  value: undefined,
};

export function heroCompletion(actors: readonly string[]): CompletionTree {
  return {
    program: "hero",
    bare: { flags: [help, version], words: "file" },
    commands: heroCommands.map((spec) => command(spec, actors)),
  };
}

function command(spec: CommandSpec, actors: readonly string[]): CompletionCommand {
  const words =
    spec === actorsSpec ? actors : spec === completionSpec ? ["bash", "zsh", "fish"] : ("file" as const);
  return { name: spec.name, summary: spec.doc.split(". ")[0] ?? "", flags: spec.options.map(flag), words };
}

/** What may follow and may be left out is not completed: the next word could be anything. */
function flag({ flags, takes, value, doc }: OptionSpec): CompletionFlag {
  const path = value === "DIR" || value === "PATH";
  const follows = takes === "value" ? (path ? "file" : "text") : undefined;
  return { spellings: flags, description: doc, value: follows };
}
