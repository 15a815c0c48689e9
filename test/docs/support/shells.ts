/** What a person gets who types a line into bash, zsh or fish and presses Tab. The shells are real ones. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Typing {
  /** Where the shell runs, and where the script lies. */
  readonly folder: string;
  readonly script: string;
  readonly program: string;
}

/** All words that bash offers for the last of these. */
export async function bashOffers(at: Typing, words: readonly string[]): Promise<string[]> {
  const typed = words.map((word) => `'${word}'`).join(" ");
  const lines = [
    `source ./${at.script}`,
    `COMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}`,
    `_${at.program}; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ];
  return nonEmpty(await output("bash", ["--norc", "-c", lines.join("\n")], at.folder));
}

/** All words that fish offers at the end of the line. */
export async function fishOffers(at: Typing, line: string): Promise<string[]> {
  const source = `source ./${at.script}; complete -C '${line}'`;
  const offers = nonEmpty(await output("fish", ["--no-config", "-c", source], at.folder));
  return offers.map((offer) => offer.split("\t")[0] ?? "");
}

/**
 * The line that zsh makes of this one, without the program's name. In a terminal of its own: the program is a function there
 * that prints its words, and what is typed ends with Tab and Return.
 */
export async function zshMakes(at: Typing, line: string): Promise<string> {
  const show = `${at.program}() { print -r -- "<$*>" }`;
  const source = [
    "zmodload zsh/zpty",
    "zpty inner zsh -f -i",
    `zpty -w inner 'autoload -Uz compinit; compinit -u -D; PS1=; stty -echo; source ./${at.script}; ${show}; print re""ady'`,
    "zpty -r -m inner said '*ready*'",
    `zpty -w -n inner '${line}'$'\\t\\n'`,
    "zpty -r -m inner said '*<*>*'",
    'print -r -- "${${said##*<}%%>*}"',
    "zpty -d inner",
  ];
  return (await output("zsh", ["-f", "-c", source.join("\n")], at.folder)).trim();
}

async function output(shell: string, args: readonly string[], cwd: string): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: cwd, TERM: "dumb" };
  const { stdout } = await run(shell, args, { cwd, env, timeout: 120_000 });
  return stdout;
}

function nonEmpty(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
