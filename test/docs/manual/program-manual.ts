/** The manual page of a program with an option table: every command, every flag once, and what only people can say. */
import { envName, type Option, type Program } from "@herorunner/daemon";
import {
  BUILT_IN_OPTIONS,
  groupedSettings,
  type Setting,
} from "../../../packages/daemon/src/options/command.ts";
import { defaultValue, describeKind } from "../../../packages/daemon/src/options/kinds.ts";
import { defaultText, placeholderOf, usageLine } from "../../../packages/daemon/src/options/text.ts";
import type { Block, Manual } from "./roff.ts";

/** What no table holds. */
export interface ManualTexts {
  /** One line without a full stop, for NAME. */
  readonly summary: string;
  readonly description: readonly string[];
  readonly environment: readonly (readonly [name: string, text: string])[];
  readonly files: readonly (readonly [path: string, text: string])[];
  readonly exits: readonly (readonly [code: number, text: string])[];
  readonly examples: readonly (readonly [text: string, command: string])[];
  readonly seeAlso: readonly string[];
}

export function programManual(program: Program, version: string, texts: ManualTexts): Manual {
  const names = Object.keys(program.commands);
  return {
    name: program.name,
    summary: texts.summary,
    version,
    synopsis: names.map((name) => usageLine(program, name)),
    sections: [
      { heading: "DESCRIPTION", blocks: texts.description.map(text) },
      { heading: "COMMANDS", blocks: commands(program) },
      { heading: "OPTIONS", blocks: options(program) },
      { heading: "ENVIRONMENT", blocks: [environmentRule(program), ...entries(texts.environment)] },
      ...closingSections(texts),
    ],
  };
}

/** FILES to SEE ALSO, the same for all programs. */
export function closingSections(texts: ManualTexts): Manual["sections"] {
  const exits = texts.exits.map(([code, meaning]) => [String(code), meaning] as const);
  return [
    { heading: "FILES", blocks: entries(texts.files) },
    { heading: "EXIT STATUS", blocks: entries(exits) },
    {
      heading: "EXAMPLES",
      blocks: texts.examples.flatMap(([what, command]): Block[] => [
        text(what),
        { kind: "code", lines: command.split("\n") },
      ]),
    },
    { heading: "SEE ALSO", blocks: [text(texts.seeAlso.map((page) => `\`${page}\`(1)`).join(", "))] },
  ];
}

export function entries(pairs: readonly (readonly [term: string, text: string])[]): Block[] {
  return pairs.map(([term, meaning]) => ({ kind: "entry", term: `\`${term}\``, text: sentence(meaning) }));
}

export function sentence(words: string): string {
  const start = words.slice(0, 1).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function text(words: string): Block {
  return { kind: "text", text: words };
}

function commands(program: Program): Block[] {
  return Object.entries(program.commands).flatMap(([name, { summary, positionals }]): Block[] => {
    const words = Object.values(positionals).map(
      ({ placeholder, description }) =>
        `\`${placeholder}\`: ${description}${description.endsWith(".") ? "" : "."}`,
    );
    const main = name === program.main;
    const term = main ? `\`${program.name}\`` : `\`${program.name} ${name}\``;
    return [{ kind: "entry", term, text: [sentence(summary), ...words].join(" ") }];
  });
}

interface Shown {
  readonly group: string;
  readonly setting: Setting;
  readonly commands: string[];
}

/** Every flag once, under its heading, with the commands that have it where it is not all of them. */
function options(program: Program): Block[] {
  const shown = new Map<string, Shown>();
  for (const [name, command] of Object.entries(program.commands)) {
    for (const { group, settings } of groupedSettings(command)) {
      for (const setting of settings) {
        const key = [group, setting.flag, setting.option.description].join("\0");
        const known = shown.get(key);
        if (known === undefined) shown.set(key, { group, setting, commands: [name] });
        else known.commands.push(name);
      }
    }
  }
  const all = [...shown.values()];
  const groups = [...new Set(all.map(({ group }) => group))];
  return [
    ...groups.flatMap((group): Block[] => [
      { kind: "heading", text: group },
      ...all.filter((one) => one.group === group).map((one) => optionEntry(program, one)),
    ]),
    { kind: "heading", text: "Every command" },
    ...BUILT_IN_OPTIONS.map((option) =>
      entryOf(spelling(option, option.flag, option.kind === "boolean" ? undefined : placeholderOf(option)), [
        sentence(option.description),
      ]),
    ),
  ];
}

function optionEntry(program: Program, { setting, commands: having }: Shown): Block {
  const { option, flag, viaFile } = setting;
  const others = Object.entries(program.commands).filter(
    ([, command]) => Object.keys(command.options).length > 0,
  );
  const everywhere = having.length === others.length || having.includes(program.main ?? "");
  const only = everywhere ? [] : [`Commands: ${having.join(", ")}.`];
  if (viaFile) {
    const meaning = `Reads \`--${option.flag}\` from this file, so that it shows in no process list.`;
    return entryOf(spelling({}, flag, "FILE"), [meaning, ...only]);
  }
  const preset = defaultValue(option);
  const empty = preset === undefined || preset === false || (Array.isArray(preset) && preset.length === 0);
  const value = option.kind === "boolean" ? undefined : placeholderOf(option);
  return entryOf(spelling(option, flag, value), [
    sentence(option.description),
    ...(isLimited(option) ? [sentence(describeKind(option))] : []),
    ...(empty ? [] : [`Default: \`${defaultText(option, preset)}\`.`]),
    ...only,
  ]);
}

function isLimited(option: Option): boolean {
  const numeric = option.kind === "integer" || option.kind === "seconds" || option.kind === "bytes";
  return numeric && (option.min !== undefined || option.max !== undefined);
}

function spelling({ short }: { readonly short?: string }, flag: string, value: string | undefined): string {
  const flags = short === undefined ? `\`--${flag}\`` : `\`-${short}\`, \`--${flag}\``;
  return value === undefined ? flags : `${flags} ${value}`;
}

function entryOf(term: string, sentences: readonly string[]): Block {
  return { kind: "entry", term, text: sentences.join(" ") };
}

function environmentRule({ envPrefix }: Program): Block {
  const config = envName(envPrefix, "config");
  return text(
    `Every option but those that every command has can be set as a variable, \`${envPrefix}\` and its name in capitals with ` +
      `underscores, or as a key of the TOML file that \`--config\` or \`${config}\` names. Flags go before the ` +
      "environment, the environment before the file. An empty variable counts as not set.",
  );
}
