/** The manual page of `hero`, whose tables have a shape of their own. */
import type { CommandSpec, OptionSpec } from "../../../packages/hero/src/command-line.ts";
import { heroCommands } from "../support/hero-completion.ts";
import { closingSections, entries, type ManualTexts, sentence } from "./program-manual.ts";
import type { Block, Manual } from "./roff.ts";

export function heroManual(version: string, texts: ManualTexts): Manual {
  return {
    name: "hero",
    summary: texts.summary,
    version,
    synopsis: heroCommands.flatMap(({ usage }) => usage.map((line) => `hero ${line}`)),
    sections: [
      { heading: "DESCRIPTION", blocks: texts.description.map((text) => ({ kind: "text", text })) },
      {
        heading: "COMMANDS",
        blocks: heroCommands.map(({ name, doc }) => ({ kind: "entry", term: `\`hero ${name}\``, text: doc })),
      },
      { heading: "OPTIONS", blocks: [...heroCommands.flatMap(options), ...common] },
      { heading: "ENVIRONMENT", blocks: entries(texts.environment) },
      ...closingSections(texts),
    ],
  };
}

const common: readonly Block[] = [
  { kind: "heading", text: "Without a command" },
  { kind: "entry", term: "`-h`, `--help`", text: "Explain the commands." },
  { kind: "entry", term: "`-V`, `--version`", text: "Print the version, then exit." },
];

function options(spec: CommandSpec): Block[] {
  return [{ kind: "heading", text: `hero ${spec.name}` }, ...spec.options.map(option)];
}

/** Spellings of other tools that are accepted too are left out, as in the help. */
function option({ flags, takes, value, doc }: OptionSpec): Block {
  const shown = flags.filter((flag) => flag.startsWith("--") || flag.length === 2);
  const spelled = shown.map((flag) => `\`${flag}\``).join(", ");
  const word = value === undefined ? "" : takes === "optional" ? ` [${value}]` : ` ${value}`;
  return { kind: "entry", term: `${spelled}${word}`, text: sentence(doc) };
}
