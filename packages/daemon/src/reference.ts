/** The reference page of all options, as Markdown, made from the same tables as the programs themselves. */
import { BUILT_IN_OPTIONS, groupedSettings, type Setting } from "./options/command.ts";
import { defaultValue, describeKind } from "./options/kinds.ts";
import { defaultText, placeholderOf, usageLine } from "./options/text.ts";
import { envName, type Command, type Program } from "./options/table.ts";

const INTRODUCTION = `# Configuration

Every option can be given as a flag, as an environment variable or in a TOML file. A flag goes before the environment, the
environment before the file, the file before the default. The file is read only when it is named, by \`--config FILE\` or by
the variable \`…_CONFIG\`; its keys are the names of the flags without dashes in front. An empty variable counts as not set.
Lists repeat the flag or take commas. Durations are seconds, or take a unit (\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`); sizes are
bytes, or take \`K\`, \`M\` or \`G\` (powers of 1024). All mistakes are reported at once, and nothing is started.

Values that are secret, and passwords inside URLs, are never printed. Give them by the \`-file\` form of the flag: what stands on a
command line can be read by every user of the host, and what stands in the environment of a runner by its jobs
([when](security.md#threat-model)).

This page is generated from the option tables of the programs.
`;

/** The page for these programs, in this order. */
export function configurationReference(programs: readonly Program[]): string {
  return [INTRODUCTION, ...programs.map(programSection)].join("\n");
}

function programSection(program: Program): string {
  const commands = Object.entries(program.commands).map(([name, command]) =>
    commandSection(program, name, command),
  );
  const builtIn = BUILT_IN_OPTIONS.map(({ flag, short, description, kind }) => {
    const spelling = `--${flag}${kind === "boolean" ? "" : " FILE"}`;
    return `| ${code(short === undefined ? spelling : `-${short}, ${spelling}`)} | ${cell(description)} |`;
  });
  return [
    `## ${program.name}`,
    "",
    sentence(program.summary),
    "",
    "| Every command | |",
    "|---|---|",
    ...builtIn,
    "",
    ...commands,
  ].join("\n");
}

function commandSection(program: Program, name: string, command: Command): string {
  const groups = groupedSettings(command).flatMap(({ group, settings }) => [
    `**${group}**`,
    "",
    "| Flag | Environment | Default | Meaning |",
    "|---|---|---|---|",
    ...settings.map((setting) => row(program, setting)),
    "",
  ]);
  const words = Object.values(command.positionals).map(
    ({ placeholder, description }) => `- ${code(placeholder)}: ${sentence(description)}`,
  );
  return [
    `### ${code(usageLine(program, name))}`,
    "",
    sentence(command.summary),
    "",
    ...(words.length === 0 ? [] : [...words, ""]),
    ...groups,
  ].join("\n");
}

function row(program: Program, { option, flag, viaFile }: Setting): string {
  const variable = code(envName(program.envPrefix, flag));
  if (viaFile) {
    return `| ${code(`--${flag} FILE`)} | ${variable} | | Reads ${code(`--${option.flag}`)} from this file. |`;
  }
  const value = option.kind === "boolean" ? "" : ` ${placeholderOf(option)}`;
  const spelling = `${option.short === undefined ? "" : `-${option.short}, `}--${flag}${value}`;
  const preset = defaultValue(option);
  const shown =
    preset === undefined || (Array.isArray(preset) && preset.length === 0)
      ? ""
      : code(defaultText(option, preset));
  const foreign = Object.keys(option.alsoEnv ?? {}).map((other) => `, else ${code(other)}`);
  const numeric = option.kind === "integer" || option.kind === "seconds" || option.kind === "bytes";
  const limited = numeric && (option.min !== undefined || option.max !== undefined);
  const limits = limited ? ` ${sentence(describeKind(option))}` : "";
  return `| ${code(spelling)} | ${variable}${foreign.join("")} | ${shown} | ${cell(sentence(option.description))}${limits} |`;
}

function sentence(text: string): string {
  const start = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

/** A bar would end the cell it stands in, even inside a code span. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
