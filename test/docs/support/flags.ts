/** The flags that our programs know, and those that a text gives them. */
import { actorsSpec, checkSpec, fmtSpec, parseSpec } from "../../../packages/hero/src/commands/specs.ts";
import { runSpec } from "../../../packages/hero/src/commands/run.ts";
import { pageText } from "./markdown.ts";

const ours = ["herorunner", "herojob", "herosupervisor", "hero"] as const;
type Program = (typeof ours)[number];

/** From docs/configuration.md, which another test keeps equal to the option tables; hero has a table of its own. */
export function knownFlags(program: Program): ReadonlySet<string> {
  if (program === "hero") {
    const specs = [runSpec, checkSpec, fmtSpec, parseSpec, actorsSpec];
    const flags = specs.flatMap(({ options }) => options.flatMap((option) => option.flags));
    return new Set([...flags, "--help", "--version"]);
  }
  const [, section = ""] = pageText("docs/configuration.md").split(`\n## ${program}\n`);
  const rows = (section.split(/\n## /)[0] ?? "").split("\n").filter((line) => line.startsWith("| `-"));
  return new Set(
    rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/--[a-z0-9-]+/g)].join(" ").split(" ")),
  );
}

/** Flags in commands of ours that the program does not know, as `herojob --colour`. */
export function unknownFlags(text: string): readonly string[] {
  const unknown: string[] = [];
  for (const [program, flag] of givenFlags(text))
    if (!knownFlags(program).has(flag) && !knownFlags(program).has(flag.replace(/^--no-/, "--")))
      unknown.push(`${program} ${flag}`);
  return unknown;
}

function givenFlags(text: string): readonly (readonly [Program, string])[] {
  const lines = text.replaceAll("\\\n", " ").replaceAll(/'[^']*'|"[^"]*"/g, "''");
  return lines.split(/\n|\||;|&&|\$\(|<\(|`/).flatMap((command) => {
    const words = command
      .replaceAll(/#.*$|\)/g, "")
      .trim()
      .split(/\s+/);
    const at = words.findIndex((word) => ours.some((name) => word === name || word.endsWith(`/${name}`)));
    // a program may stand behind sudo and variables, not behind another command's name
    if (at < 0 || words.slice(0, at).some((word) => !/^(sudo|exec|\$|-|\w+=)/.test(word))) return [];
    const program = words[at]?.split("/").at(-1) as Program; // found among ours above
    const flags = words.slice(at + 1).filter((word) => /^--[a-z]/.test(word));
    return flags.map((flag) => [program, flag.split("=")[0] ?? flag] as const);
  });
}
