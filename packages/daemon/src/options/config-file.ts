/**
 * The configuration file: TOML, flat, its keys the names of the flags. Read only when somebody named it. A key that no
 * command of the program knows is an error; a key of another command is not, so that one file serves them all.
 */
import { flagsOf, settingsOf } from "./command.ts";
import { quote } from "./kinds.ts";
import { didYouMean, suggest } from "./suggest.ts";
import type { Option, Problem, Program } from "./table.ts";

/** Answers the text of a file, or throws. */
export type ReadFile = (path: string) => string | Promise<string>;

export interface FileLayer {
  readonly path: string;
  /** By flag name: the texts that flags would have had. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly Problem[];
}

/** Reads the file at `path`; without a path there is nothing in it. */
export async function fileLayer(
  program: Program,
  path: string | undefined,
  readFile: ReadFile,
): Promise<FileLayer> {
  if (path === undefined) return { path: "", values: new Map(), problems: [] };
  const values = new Map<string, readonly string[]>();
  const problems: Problem[] = [];
  let table: Record<string, unknown>;
  try {
    const text = await readFile(path);
    // Most starts name no file; they do not pay for the parser.
    const { parse } = await import("smol-toml");
    table = parse(text);
  } catch (error) {
    return { path, values, problems: [unreadable(path, error)] };
  }
  const settings = new Map(
    Object.values(program.commands).flatMap((command) =>
      settingsOf(command).map(({ flag, option, viaFile }) => [flag, viaFile ? FILE_NAME : option] as const),
    ),
  );
  for (const [key, value] of Object.entries(table)) {
    const option = settings.get(key);
    const where = `${quote(key)} in ${path}`;
    if (option === undefined) problems.push(unknownKey(program, key, where, settings.keys()));
    else {
      const texts = asTexts(option, value);
      if (texts !== undefined) values.set(key, texts);
      else problems.push({ where, what: `is ${describe(value)}`, next: `Write ${EXAMPLES[option.kind]}.` });
    }
  }
  return { path, values, problems };
}

const FILE_NAME: Option = { kind: "string", flag: "file", description: "" };

const EXAMPLES: Readonly<Record<Option["kind"], string>> = {
  string: 'text in quotes, "…"',
  choice: 'one word in quotes, "…"',
  address: '"HOST:PORT" in quotes',
  boolean: "true or false, without quotes",
  integer: "a number, without quotes",
  seconds: 'a number of seconds, or "5m" in quotes',
  bytes: 'a number of bytes, or "16M" in quotes',
  list: 'a list of texts, ["…", "…"]',
};

/** A TOML value as the texts a flag would have had; nothing when its type does not fit. */
function asTexts(option: Option, value: unknown): readonly string[] | undefined {
  switch (option.kind) {
    case "boolean":
      return typeof value === "boolean" ? [String(value)] : undefined;
    case "integer":
      return typeof value === "number" || typeof value === "bigint" ? [String(value)] : undefined;
    case "seconds":
    case "bytes":
      return ["number", "bigint", "string"].includes(typeof value) ? [String(value)] : undefined;
    case "list": {
      const items: readonly unknown[] = Array.isArray(value) ? value : [value];
      return items.every((item) => typeof item === "string") ? items : undefined;
    }
    case "string":
    case "choice":
    case "address":
      return typeof value === "string" ? [value] : undefined;
  }
}

function unknownKey(program: Program, key: string, where: string, known: Iterable<string>): Problem {
  const builtIn = flagsOf(program).some(({ name }) => name === key);
  if (builtIn) return { where, what: "belongs on the command line", next: "Take it out of the file." };
  return {
    where,
    what: "there is no such option",
    next: didYouMean(suggest(key, known), `See ${program.name} --help.`),
  };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list of something else";
  if (typeof value === "string") return "text";
  return value !== null && typeof value === "object" && !(value instanceof Date)
    ? "a table"
    : `the ${typeof value} ${String(value)}`;
}

/** The parser's own message goes on with the line itself, which may hold a secret: only its first line is passed on. */
function unreadable(path: string, error: unknown): Problem {
  if (error instanceof Error && "line" in error && "column" in error) {
    const what = `line ${String(error.line)}, column ${String(error.column)}: ${error.message.split("\n", 1).join("")}`;
    return { where: path, what, next: "Mend the file; its format is TOML." };
  }
  return {
    where: path,
    what: `cannot be read (${errorCode(error)})`,
    next: "Name a file that this user can read.",
  };
}

/** The short reason of a failed system call, never its message: that may quote what was read. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}
