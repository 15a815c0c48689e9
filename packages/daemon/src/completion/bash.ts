/** The completion script of bash. It needs no package of completions. */
import { quoted } from "./quoted.ts";
import type { CompletionLine, CompletionTree, CompletionValue } from "./tree.ts";

export function bashScript({ program, bare, commands }: CompletionTree): string {
  const names = commands.map(({ name }) => name);
  const cases = commands.map((command) => `  ${command.name})\n${lineCase(command)} ;;`);
  return `# bash completion for ${program}; put this line into your ~/.bashrc:  source <(${program} completion bash)
_${program}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" name= each
  COMPREPLY=()
  # bash takes --flag=value apart into three words
  if [[ $word == '=' ]]; then word=; elif [[ $before == '=' ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$each" in ${names.join("|")}) name=$each; break ;; esac
  done
  case "$name" in
${cases.join("\n")}
  *)
${lineCase(bare, names)} ;;
  esac
}
complete -F _${program} ${program}
`;
}

function lineCase({ flags, words }: CompletionLine, names: readonly string[] = []): string {
  const values = flags.flatMap(({ spellings, value }) =>
    value === undefined ? [] : [`      ${spellings.join("|")}) ${answer(value)} ;;`],
  );
  const all = flags.flatMap(({ spellings }) => spellings);
  const rest = names.length > 0 ? answer(names) : answer(words);
  return [
    `    case "$before" in`,
    ...values,
    `      *) if [[ $word == -* ]]; then ${answer(all)}; else ${rest}; fi ;;`,
    `    esac`,
  ].join("\n");
}

function answer(value: CompletionValue): string {
  if (value === "text") return ":";
  return value === "file"
    ? `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$word"))`
    : `COMPREPLY=($(compgen -W ${quoted(value.join(" "))} -- "$word"))`;
}
