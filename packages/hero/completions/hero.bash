# bash completion for hero; put this line into your ~/.bashrc:  source <(hero completion bash)
_hero() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" name= each
  COMPREPLY=()
  # bash takes --flag=value apart into three words
  if [[ $word == '=' ]]; then word=; elif [[ $before == '=' ]]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi
  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$each" in run|check|fmt|parse|actors|completion) name=$each; break ;; esac
  done
  case "$name" in
  run)
    case "$before" in
      -p|--path|-path) compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")) ;;
      --allow) : ;;
      --timeout) : ;;
      --actors) compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")) ;;
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '-s --script -script -p --path -path -h --heroscript -heroscript --plan --allow --json --timeout --prose --actors --help -help' -- "$word")); else compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")); fi ;;
    esac ;;
  check)
    case "$before" in
      --actors) compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")) ;;
      --allow) : ;;
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--actors --allow --prose --json --help -h -help' -- "$word")); else compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")); fi ;;
    esac ;;
  fmt)
    case "$before" in
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '-w --write --check --prose --help -h -help' -- "$word")); else compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")); fi ;;
    esac ;;
  parse)
    case "$before" in
      --get) : ;;
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--json --get --prose --help -h -help' -- "$word")); else compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")); fi ;;
    esac ;;
  actors)
    case "$before" in
      --actors) compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")) ;;
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--markdown --json --actors --help -h -help' -- "$word")); else COMPREPLY=($(compgen -W 'core docker git osal play session' -- "$word")); fi ;;
    esac ;;
  completion)
    case "$before" in
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--help -h -help' -- "$word")); else COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")); fi ;;
    esac ;;
  *)
    case "$before" in
      *) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '--help -h --version -V' -- "$word")); else COMPREPLY=($(compgen -W 'run check fmt parse actors completion' -- "$word")); fi ;;
    esac ;;
  esac
}
complete -F _hero hero
