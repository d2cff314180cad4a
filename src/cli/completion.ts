/** Completion scripts, made from the commands that there are: nothing is asked while somebody types. */

export interface CompletableOption {
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}
export interface Completable {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly Completable[];
  readonly options: readonly CompletableOption[];
}

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, root: Completable): string {
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](root);
}

interface Placed {
  /** The words that lead to it, with single blanks between: `app list`. */
  readonly path: string;
  readonly command: Completable;
}

function* placed(command: Completable, path: string): Iterable<Placed> {
  yield { path, command };
  for (const child of command.commands)
    yield* placed(child, path === '' ? child.name : `${path} ${child.name}`);
}

const wordsOf = ({ commands, options }: Completable): readonly string[] => [
  ...commands.map(({ name }) => name),
  ...options.flatMap(({ flags }) => flags),
];

/** In single quotes, as every shell here reads it. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function bashScript(root: Completable): string {
  const all = [...placed(root, '')];
  const cases = all.map(
    ({ path, command }) => `    ${quoted(path)}) known=${quoted(wordsOf(command).join(' '))} ;;`,
  );
  const values = new Map<string, string>();
  for (const { path, command } of all)
    for (const { flags, choices, takesValue } of command.options)
      for (const flag of takesValue ? flags : []) values.set(`${path}|${flag}`, choices.join(' '));
  const valueCases = [...values].map(
    ([key, choices]) => `    ${quoted(key)}) values=${quoted(choices)}; is_value=1 ;;`,
  );
  const paths = all.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `# bash completion of trueup: source <(trueup completion bash)
_trueup() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="" place="" word known="" values="" is_value="" index
  [ "$COMP_CWORD" -gt 0 ] && previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "\${place:+$place }$word" in
    ${paths.join('|')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place|$previous" in
${valueCases.join('\n')}
  esac
  if [ -n "$is_value" ]; then
    if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$current")); else COMPREPLY=($(compgen -f -- "$current")); fi
    return
  fi
  case "$place" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$known" -- "$current"))
}
complete -F _trueup trueup
`;
}

/**
 * zsh can run what is written for bash; its own form would say the same once more. There `path` and `words` are
 * variables of the shell itself.
 */
function zshScript(root: Completable): string {
  return `#compdef trueup
# zsh completion of trueup: source <(trueup completion zsh)
(( $+functions[compdef] )) || { autoload -U +X compinit && compinit }
autoload -U +X bashcompinit && bashcompinit
${bashScript(root).split('\n').slice(1).join('\n')}`;
}

function fishScript(root: Completable): string {
  const lines = ['# fish completion of trueup: trueup completion fish | source', 'complete -c trueup -f'];
  for (const { path, command } of placed(root, '')) {
    const words = path.split(' ').filter(Boolean);
    const names = command.commands.map(({ name }) => name);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const unseen = names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`];
    const condition = [...seen, ...unseen].join('; and ');
    const when = condition === '' ? '' : ` -n ${quoted(condition)}`;
    for (const child of command.commands)
      lines.push(`complete -c trueup${when} -a ${quoted(child.name)} -d ${quoted(child.description)}`);
    const whenSeen = seen.length === 0 ? '' : ` -n ${quoted(seen.join('; and '))}`;
    for (const { flags, description, takesValue, choices } of command.options) {
      const spelled = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value = takesValue
        ? choices.length === 0
          ? ' -r -F'
          : ` -x -a ${quoted(choices.join(' '))}`
        : '';
      lines.push(`complete -c trueup${whenSeen} ${spelled.join(' ')}${value} -d ${quoted(description)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
