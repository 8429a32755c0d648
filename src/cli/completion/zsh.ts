import type { CompletedCommand, CompletedOption, Values } from './model.ts';

/** The completion script for zsh; it may lie in a folder of `fpath` as `_gvm`, or be sourced. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef gvm
# zsh completion of gvm: source <(gvm completion zsh)
_gvm_names() {
  local -a names
  names=("\${(@f)$("\${words[1]}" completion names $1 2>/dev/null)}")
  compadd -a names
}
_gvm() {
  local before=\${words[CURRENT-1]} command= word
  local -a entries
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    case $word in
      ${commands.map(({ name }) => name).join('|')}) command=$word; break ;;
    esac
  done
  case $command:$before in
${commands.flatMap((command) => command.options.filter((option) => option.valued).map((option) => valueCase(command.name, option))).join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    case $command in
${commands.map((command) => `      ${command.name}) entries=(${command.options.map(entry).join(' ')}) ;;`).join('\n')}
      *) entries=('--help:show help' '--version:print the version') ;;
    esac
    _describe option entries
    return
  fi
  case $command in
${commands.map((command) => `    ${command.name}) ${action(command.words)} ;;`).join('\n')}
    *) entries=(${commands.map(({ name, summary }) => quote(`${name}:${summary}`)).join(' ')}); _describe command entries ;;
  esac
}
if [[ \${funcstack[1]} == _gvm ]]; then _gvm "$@"; else compdef _gvm gvm; fi
`;
}

function entry({ flags, about }: CompletedOption): string {
  return quote(`${flags[0]}:${about.replaceAll(':', '\\:')}`);
}

function valueCase(command: string, { flags, values }: CompletedOption): string {
  return `    ${flags.map((flag) => `${command}:${flag}`).join('|')}) ${action(values)}; return ;;`;
}

function action(values: Values): string {
  if (values === undefined) return ':';
  if (values === 'path') return '_files';
  if (typeof values === 'string') return values === 'guests' ? '_gvm_names guests' : `_gvm_names ${values}; _files`;
  return `compadd -- ${values.map(quote).join(' ')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
