/** The completion script of fish. */
import { quoted } from "./quoted.ts";
import type { CompletionFlag, CompletionTree, CompletionValue } from "./tree.ts";

export function fishScript({ program, bare, commands }: CompletionTree): string {
  const names = commands.map(({ name }) => name).join(" ");
  const outside = `-n ${quoted(`not __fish_seen_subcommand_from ${names}`)}`;
  const lines = commands.flatMap(({ name, summary, flags, words }) => {
    const inside = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `${outside} -a ${name} -d ${quoted(summary)}`,
      ...wordLines(words).map((line) => `${inside} ${line}`),
      ...flags.map((flag) => `${inside} ${flagLine(flag)}`),
    ];
  });
  const all = [...bare.flags.map((flag) => `${outside} ${flagLine(flag)}`), ...lines];
  return `# fish completion for ${program}; put it into ~/.config/fish/completions/${program}.fish
complete -c ${program} -f
${all.map((line) => `complete -c ${program} ${line}`).join("\n")}
`;
}

function wordLines(words: CompletionValue): string[] {
  if (words === "text") return [];
  return words === "file" ? ["-F"] : [`-a ${quoted(words.join(" "))}`];
}

function flagLine({ spellings, description, value }: CompletionFlag): string {
  return [...spellings.map(spelled), valued(value), "-d", quoted(description)]
    .filter((word) => word !== "")
    .join(" ");
}

/** `--long`, `-s`, and `-long` as some older programs have it. */
function spelled(spelling: string): string {
  if (spelling.startsWith("--")) return `-l ${spelling.slice(2)}`;
  return `${spelling.length === 2 ? "-s" : "-o"} ${spelling.slice(1)}`;
}

function valued(value: CompletionValue | undefined): string {
  if (value === undefined) return "";
  if (value === "file") return "-r -F";
  return value === "text" ? "-x" : `-x -a ${quoted(value.join(" "))}`;
}
