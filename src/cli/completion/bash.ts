import { shellQuote } from '../../core/index.ts';
import type { CompletedCommand, CompletedOption, Values } from './model.ts';

/**
 * The completion script for bash. Names come from files that others may have made: they are compared and quoted, and
 * never given to `compgen -W`, which would run what stands in them.
 */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const options = new Map(commands.flatMap((command) => command.options.map((option) => [option.flags[0], option])));
  return `# bash completion of gvm: source <(gvm completion bash)
_gvm_words() {
  local word
  for word; do [[ $word == "$current"* ]] && COMPREPLY+=("$word"); done
}
_gvm_names() {
  local name
  while IFS= read -r name; do
    [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
  done < <("\${COMP_WORDS[0]}" completion names "$1" 2>/dev/null)
}
_gvm_path() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$current")
}
_gvm() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= i
  COMPREPLY=()
  if [[ $current == = ]]; then current=; before=\${COMP_WORDS[COMP_CWORD-1]}
  elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${commands.map(({ name }) => name).join('|')}) command=\${COMP_WORDS[i]}; break ;;
      --) _gvm_path; return ;;
    esac
  done
  case $before in
${[...options.values()]
  .filter((option) => option.valued)
  .map(valueCase)
  .join('\n')}
  esac
  if [[ $current == -* ]]; then
    case $command in
${commands.map((command) => `      ${command.name}) _gvm_words ${flagsOf(command.options)} ;;`).join('\n')}
      *) _gvm_words --help --version ;;
    esac
    return
  fi
  case $command in
${commands.map((command) => `    ${command.name}) ${action(command.words)} ;;`).join('\n')}
    *) _gvm_words ${commands.map(({ name }) => name).join(' ')} ;;
  esac
}
complete -F _gvm gvm
`;
}

function valueCase({ flags, values }: CompletedOption): string {
  return `    ${flags.join('|')}) ${action(values)}; return ;;`;
}

function flagsOf(options: readonly CompletedOption[]): string {
  return options.map(({ flags }) => flags[0]).join(' ');
}

function action(values: Values): string {
  if (values === undefined) return ':';
  if (values === 'path') return '_gvm_path';
  if (typeof values === 'string')
    return values === 'suites' || values === 'images' ? `_gvm_names ${values}; _gvm_path` : `_gvm_names ${values}`;
  return `_gvm_words ${values.map(shellQuote).join(' ')}`;
}
