import type { CompletedCommand, CompletedOption, Values } from './model.ts';

/** The completion script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const seen = `-n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c gvm -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.summary)}`,
      ...wordLines(command.words).map((rest) => `complete -c gvm ${seen} ${rest}`),
      ...command.options.map((option) => `complete -c gvm ${seen} ${optionWords(option)} -d ${quote(option.about)}`),
    ];
  });
  return `# fish completion of gvm: gvm completion fish | source
${lines.join('\n')}
`;
}

function wordLines(values: Values): string[] {
  if (values === 'path') return ['-F'];
  if (values === undefined) return ['-f'];
  if (typeof values === 'string')
    return [`${values === 'guests' ? '-f' : '-F'} -a '(gvm completion names ${values} 2>/dev/null)'`];
  return [`-f -a ${quote(values.join(' '))}`];
}

function optionWords({ flags, valued, values }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  if (!valued) return names;
  if (values === 'path') return `${names} -r -F`;
  if (values === undefined) return `${names} -x`;
  if (typeof values === 'string') return `${names} -r -a '(gvm completion names ${values} 2>/dev/null)'`;
  return `${names} -x -a ${quote(values.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
