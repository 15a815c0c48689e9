/**
 * The documentation of actors, written from their definitions: for a terminal and as the markdown page docs/actors.md.
 */
import type { ActionDefinition, ActorDefinition, ParameterDefinition } from "./actor.ts";

function firstSentence(text: string): string {
  return /^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? text;
}

function defaultText(parameter: ParameterDefinition): string {
  if (parameter.required === true) return "required";
  const value = parameter.default;
  if (value === undefined || value === "") return "";
  return `default ${Array.isArray(value) ? value.join(",") : String(value)}`;
}

function kindText(parameter: ParameterDefinition): string {
  return parameter.choices === undefined ? parameter.kind : parameter.choices.join(" | ");
}

export function overviewText(actors: readonly ActorDefinition[]): string {
  return actors
    .map((actor) => {
      const actions = Object.entries(actor.actions);
      const width = Math.max(...actions.map(([name]) => name.length)) + actor.name.length + 3;
      const rows = actions.map(
        ([name, { doc }]) => `  ${`${actor.name}.${name}`.padEnd(width)}${firstSentence(doc)}`,
      );
      return [`${actor.name}: ${actor.doc}`, ...rows].join("\n");
    })
    .join("\n\n");
}

export function actorText(actor: ActorDefinition): string {
  const actions = Object.entries(actor.actions).map(([name, definition]) =>
    actionText(actor.name, name, definition),
  );
  return [`${actor.name}: ${actor.doc}`, ...actions].join("\n\n");
}

export function actionText(actor: string, name: string, definition: ActionDefinition): string {
  const rows: [string, string][] = Object.entries(definition.params).map(([key, parameter]) => {
    const facts = [kindText(parameter), defaultText(parameter)].filter((fact) => fact !== "").join(", ");
    return [`  ${key}`, `${parameter.doc} (${facts})`];
  });
  for (const extra of [definition.args, definition.rest]) {
    if (extra !== undefined)
      rows.push([`  ${extra.name}${extra === definition.args ? " …" : ":…"}`, extra.doc]);
  }
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 2;
  const body = rows.map(([left, right]) => `${left.padEnd(width)}${right}`);
  return [`!!${actor}.${name}`, `  ${definition.doc}`, ...(body.length > 0 ? [""] : []), ...body].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
}

/** A table whose columns are padded, as formatters of markdown leave it. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body.map(line)];
}

function actionSection(actor: string, name: string, definition: ActionDefinition): string {
  const rows = Object.entries(definition.params).map(([key, parameter]) =>
    [`\`${key}\``, kindText(parameter), defaultText(parameter), parameter.doc].map(cell),
  );
  const { args, rest } = definition;
  if (args !== undefined) rows.push([`${args.name} …`, "words without a name", "", args.doc].map(cell));
  if (rest !== undefined) rows.push([rest.name, "any further name", "", rest.doc].map(cell));
  const body =
    rows.length === 0 ? ["No parameters."] : table([["Parameter", "Kind", "", "Meaning"], ...rows]);
  return [`### ${actor}.${name}`, "", definition.doc.replaceAll("<", "&lt;"), "", ...body].join("\n");
}

const introduction = `# Actors

Written by \`hero actors --markdown\` from the definitions themselves; a test keeps this page true. How actions are
written is in [heroscript.md](heroscript.md), which also says how to make an actor of your own.

Kinds: \`name\` is text that cannot be mistaken for an option (no \`-\` at its start); \`names\` are several, between
commas; \`words\` is a command, split at white space, with quotes holding words together, never read by a shell;
\`list\` is text between commas; \`path\` starts at the folder of the script when it is relative, and \`~\` is the home
folder. A \`bool\` whose default is true knows only \`1 true y yes\` as true; one whose default is false knows only
\`0 false n no\` as false.`;

/** The whole page, as docs/actors.md holds it. */
export function actorPage(actors: readonly ActorDefinition[]): string {
  const sections = actors.map((actor) =>
    [
      `## ${actor.name}`,
      "",
      actor.doc,
      ...Object.entries(actor.actions).flatMap(([name, definition]) => [
        "",
        actionSection(actor.name, name, definition),
      ]),
    ].join("\n"),
  );
  return `${[introduction, ...sections].join("\n\n")}\n`;
}
