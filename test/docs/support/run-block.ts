/** What it means that a block works: `sh` must succeed command by command, `console` must also answer what it shows. */
import type { Block } from "./markdown.ts";
import type { PageShell } from "./page-shell.ts";

export interface Step {
  readonly command: string;
  /** As the page shows it; `…` stands for anything. */
  readonly shown: string;
  /** `# exit code 3` behind a command says that it is meant to end so. */
  readonly exitCode: number;
}

/** Runs it and returns what is wrong, in sentences that name page and line. */
export async function runBlock(shell: PageShell, block: Block): Promise<readonly string[]> {
  const where = `${block.page}:${block.line}`;
  if (block.language === "sh") {
    const stays = block.marks.has("stays");
    const { exitCode, output, failed } = await shell.run(stays ? `stay ${block.text}` : block.text);
    if (exitCode === 0 && failed === "") return [];
    return [`${where}: failed with ${exitCode} at ${failed}\n${block.text}${output}`];
  }
  const faults: string[] = [];
  for (const step of stepsOf(block.text)) {
    const { exitCode, output } = await shell.run(step.command);
    if (exitCode !== step.exitCode)
      faults.push(`${where}: exit code ${exitCode} of ${step.command}\n${output}`);
    if (!matches(output, step.shown))
      faults.push(`${where}: ${step.command}\n--- shown\n${step.shown}\n--- answered\n${output}`);
  }
  return faults;
}

/** `$ ` starts a command, `> ` goes on with it, everything else is its answer. */
export function stepsOf(text: string): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const last = steps.at(-1);
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), shown: [] });
    else if (last !== undefined && line.startsWith("> ") && last.shown.length === 0)
      last.command += `\n${line.slice(2)}`;
    else last?.shown.push(line);
  }
  return steps.map(({ command, shown }) => ({
    command,
    shown: shown.join("\n"),
    exitCode: Number(/# exit code (\d+)$/.exec(command)?.[1] ?? 0),
  }));
}

/** White space at the ends of lines does not count. `…` alone on its line is any number of lines, else any text in its line. */
export function matches(answer: string, shown: string): boolean {
  const lines = tidy(shown).split("\n");
  const pattern = lines
    .map((line) => (line.trim() === "…" ? "(?:.*\n)*?" : `${line.split("…").map(literal).join(".*")}\n`))
    .join("");
  return new RegExp(`^${pattern}$`, "u").test(`${tidy(answer)}\n`);
}

function tidy(text: string): string {
  return text.replaceAll(/[ \t]+$/gm, "").trimEnd();
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
