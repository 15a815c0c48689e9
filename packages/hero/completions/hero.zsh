#compdef hero
# zsh completion for hero; put this line into your ~/.zshrc:  source <(hero completion zsh)
_hero_commands() {
  local -a commands=('run:Checks a heroscript, then runs it' 'check:Reads scripts and says what is wrong with them' 'fmt:Prints scripts with their actions in one style; statements and prose stay as they are.' 'parse:Shows the actions of a text as they are read, without asking whether they exist.' 'actors:Lists the actors and their actions, or explains one.' 'completion:Prints the completion script of a shell.')
  _describe command commands
}
_hero() {
  local name= at
  for (( at = 2; at < CURRENT; at++ )); do
    case $words[at] in run|check|fmt|parse|actors|completion)
      name=$words[at]
      words[at]=()
      (( CURRENT-- ))
      break ;;
    esac
  done
  case $name in
    run) _arguments '*-s[the script itself; without a value it is read from standard input]' '*--script[the script itself; without a value it is read from standard input]' '*-script[the script itself; without a value it is read from standard input]' '*-p[a file, or a folder of scripts]:value:_files' '*--path[a file, or a folder of scripts]:value:_files' '*-path[a file, or a folder of scripts]:value:_files' '*-h[the script itself]' '*--heroscript[the script itself]' '*-heroscript[the script itself]' '*--plan[check, list the actions, run nothing]' '*--allow[only these actions may run\: git.*,docker.ps]:value: ' '*--json[every line on standard output is JSON]' '*--timeout[end the script after this time]:value: ' '*--prose[skip all lines that are not actions, as in .md files]' '*--actors[own actors, one file each]:value:_files' '*--help[this text]' '*-help[this text]' '*:argument:_files' ;;
    check) _arguments '*--actors[own actors, one file each]:value:_files' '*--allow[actions outside this list are errors\: git.*,docker.ps]:value: ' '*--prose[skip all lines that are not actions, as in .md files]' '*--json[one JSON object for each problem on standard output]' '*--help[this text]' '*-h[this text]' '*-help[this text]' '*:argument:_files' ;;
    fmt) _arguments '*-w[rewrite the files instead]' '*--write[rewrite the files instead]' '*--check[only name the files that would change; exit code 1 if there are any]' '*--prose[skip all lines that are not actions, as in .md files]' '*--help[this text]' '*-h[this text]' '*-help[this text]' '*:argument:_files' ;;
    parse) _arguments '*--json[print {"actions"\: \[…\]}]' '*--get[read a parameter of the first action as a kind; repeatable]:value: ' '*--prose[skip all lines that are not actions, as in .md files]' '*--help[this text]' '*-h[this text]' '*-help[this text]' '*:argument:_files' ;;
    actors) _arguments '*--markdown[everything, as a markdown page]' '*--json[everything, as JSON]' '*--actors[own actors, one file each]:value:_files' '*--help[this text]' '*-h[this text]' '*-help[this text]' '*:argument:(core docker git osal play session)' ;;
    completion) _arguments '*--help[this text]' '*-h[this text]' '*-help[this text]' '*:argument:(bash zsh fish)' ;;
    *) _arguments '*--help[explain the commands]' '*-h[explain the commands]' '*--version[print the version, then exit]' '*-V[print the version, then exit]' '*:argument:_hero_commands' ;;
  esac
}
if [[ $funcstack[1] == _hero ]]; then _hero "$@"; else compdef _hero hero; fi
