/** `PROGRAM completion bash|zsh|fish`: the command, and the scripts that it prints. */
import { defineCommand, type Program } from "../options/table.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completionTree } from "./tree.ts";
import { zshScript } from "./zsh.ts";

const writers = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);
const shells = [...writers.keys()];

/** For the table of a program. */
export const completionCommand = defineCommand({
  summary: "Print the completion script of a shell.",
  options: {},
  positionals: {
    shell: {
      placeholder: shells.join("|"),
      description: "name of the shell",
      arity: "one",
      check: (word) => (writers.has(word) ? undefined : "is not a shell that is known here"),
    },
  },
});

/** The script for a shell that the command's table has let through. */
export function completionScript(program: Program, shell: string): string {
  return writers.get(shell)?.(completionTree(program)) ?? "";
}
