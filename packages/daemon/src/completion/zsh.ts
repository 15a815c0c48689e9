/** The completion script of zsh: sourced from ~/.zshrc, or found in a folder of fpath as `_name`. */
import { quoted } from "./quoted.ts";
import type { CompletionFlag, CompletionLine, CompletionTree, CompletionValue } from "./tree.ts";

export function zshScript({ program, bare, commands }: CompletionTree): string {
  const described = commands.map(({ name, summary }) => quoted(`${name}:${summary}`));
  const names = commands.map(({ name }) => name).join("|");
  const cases = commands.map((line) => `    ${line.name}) ${lineArguments(line)} ;;`);
  return `#compdef ${program}
# zsh completion for ${program}; put this line into your ~/.zshrc:  source <(${program} completion zsh)
_${program}_commands() {
  local -a commands=(${described.join(" ")})
  _describe command commands
}
_${program}() {
  local name= at
  for (( at = 2; at < CURRENT; at++ )); do
    case $words[at] in ${names})
      name=$words[at]
      words[at]=()
      (( CURRENT-- ))
      break ;;
    esac
  done
  case $name in
${cases.join("\n")}
    *) ${lineArguments(bare, `_${program}_commands`)} ;;
  esac
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function lineArguments({ flags, words }: CompletionLine, first = action(words)): string {
  const all = flags.flatMap((flag) => flag.spellings.map((spelling) => flagArgument(flag, spelling)));
  return ["_arguments", ...all, quoted(`*:argument:${first}`)].join(" ");
}

function flagArgument({ description, value }: CompletionFlag, spelling: string): string {
  const text = description.replaceAll(/[[\]\\:]/g, (one) => `\\${one}`);
  // A star: flags of lists repeat, and the last of any other one counts.
  return quoted(`*${spelling}[${text}]${value === undefined ? "" : `:value:${action(value)}`}`);
}

function action(value: CompletionValue): string {
  if (value === "text") return " ";
  return value === "file" ? "_files" : `(${value.join(" ")})`;
}
