/** The command lines of everything but `hero run`. */
import type { CommandSpec, OptionSpec } from "../command-line.ts";

const help: OptionSpec = { flags: ["--help", "-h", "-help"], takes: "nothing", doc: "this text" };
const actors: OptionSpec = {
  flags: ["--actors"],
  takes: "value",
  value: "DIR",
  doc: "own actors, one file each",
};
const prose: OptionSpec = {
  flags: ["--prose"],
  takes: "nothing",
  doc: "skip all lines that are not actions, as in .md files",
};

export const checkSpec: CommandSpec = {
  name: "check",
  usage: ["check FILE|DIR|- … [options]"],
  doc: "Reads scripts and says what is wrong with them. Runs nothing.",
  options: [
    actors,
    {
      flags: ["--allow"],
      takes: "value",
      value: "LIST",
      doc: "actions outside this list are errors: git.*,docker.ps",
    },
    prose,
    { flags: ["--json"], takes: "nothing", doc: "one JSON object for each problem on standard output" },
    help,
  ],
};

export const fmtSpec: CommandSpec = {
  name: "fmt",
  usage: ["fmt FILE|- … [options]"],
  doc: "Prints scripts with their actions in one style; statements and prose stay as they are.",
  options: [
    { flags: ["-w", "--write"], takes: "nothing", doc: "rewrite the files instead" },
    {
      flags: ["--check"],
      takes: "nothing",
      doc: "only name the files that would change; exit code 1 if there are any",
    },
    prose,
    help,
  ],
};

export const parseSpec: CommandSpec = {
  name: "parse",
  usage: ["parse FILE|- [options]"],
  doc: "Shows the actions of a text as they are read, without asking whether they exist.",
  options: [
    { flags: ["--json"], takes: "nothing", doc: 'print {"actions": […]}' },
    {
      flags: ["--get"],
      takes: "value",
      value: "KEY:KIND",
      doc: "read a parameter of the first action as a kind; repeatable",
    },
    prose,
    help,
  ],
};

export const actorsSpec: CommandSpec = {
  name: "actors",
  usage: ["actors [NAME|NAME.ACTION] [options]"],
  doc: "Lists the actors and their actions, or explains one.",
  options: [
    { flags: ["--markdown"], takes: "nothing", doc: "everything, as a markdown page" },
    { flags: ["--json"], takes: "nothing", doc: "everything, as JSON" },
    actors,
    help,
  ],
};

export const completionSpec: CommandSpec = {
  name: "completion",
  usage: ["completion bash|zsh|fish"],
  doc: "Prints the completion script of a shell.",
  options: [help],
};
