/** Verbs that are said of an Application, as argocd has them (`app diff web`), and of every kind (`diff kustomization/web`). */
import type { Command } from 'commander';
import type { CommandPorts } from '#cli/command.ts';
import { diffCommand } from '#cli/diff.ts';
import { historyCommand } from '#cli/history.ts';
import { rollbackCommand } from '#cli/rollback.ts';
import { terminateCommand } from '#cli/terminate.ts';
import {
  flag,
  isNamespaceGiven,
  output,
  withCluster,
  withExample,
  withMirror,
  withTimeout,
} from './program-options.ts';

interface Form {
  /** What stands behind the verb, as commander has it. */
  readonly argument: string;
  readonly argumentHelp: string;
  readonly words: (given: string | readonly string[]) => readonly string[];
  /** As an example types it. */
  readonly example: (verb: string) => string;
  readonly alias?: Readonly<Record<string, string>>;
}

/** A verb, what it is given, and what holds for all of them. */
function verb(root: Command, name: string, description: string, form: Form): Command {
  const command = withCluster(
    root.command(name).argument(form.argument, form.argumentHelp).description(description),
  );
  return form.alias?.[name] === undefined ? command : command.alias(form.alias[name]);
}

export function addSharedVerbs(root: Command, form: Form, ports: CommandPorts): void {
  const { words } = form;
  withExample(
    withMirror(verb(root, 'diff', 'field by field what Git and the cluster differ in, and by whom', form)),
    `${form.example('diff')} || echo "it differs, or could not be compared"`,
    `${form.example('diff')} --revision feature -o json`,
  )
    .option('--revision <ref>', 'another revision')
    .option('--exit-code [true|false]', 'end with 1 when there are differences', flag, true)
    .addOption(output('table', 'json'))
    .action((given, options, command: Command) =>
      diffCommand(words(given), { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    verb(root, 'history', 'what was deployed, what drifted and was healed', form),
    form.example('history'),
  )
    .addOption(output('table', 'json'))
    .action((given, options, command: Command) =>
      historyCommand(words(given), { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withTimeout(verb(root, 'terminate', 'end the operation in progress', form)),
    form.example('terminate'),
  ).action((given, { timeout, ...options }, command: Command) =>
    terminateCommand(words(given), { ...options, ...isNamespaceGiven(command), timeoutMs: timeout }, ports),
  );
}

/** An Application's deployment may stand behind its name, as argocd has it; elsewhere `--to` names it. */
export function addRollback(root: Command, form: Form, ports: CommandPorts): void {
  const description = 'revert in Git, back to a deployment of its history';
  const takesNumber = form.argument === '<name>';
  const command = withTimeout(withMirror(verb(root, 'rollback', description, form)));
  if (takesNumber) command.argument('[id]', 'the number of a deployment in its history');
  else command.option('--to <id>', 'the number of a deployment in its history');
  withExample(
    command,
    `${form.example('rollback')} --reason "checkout is slow"`,
    `${form.example('rollback')}${takesNumber ? ' 12' : ' --to 12'} --dry-run`,
  )
    .option('--source <number|url>', 'of several sources the one to revert in, counted from 1')
    .option('--reason <text>', 'stands in the commit')
    .option('--author <name-and-address>', 'of the commit, as "Ada <ada@example.com>"')
    .option('--yes', 'also when others read what is reverted')
    .option('--dry-run', 'only print the git commands that would do it')
    .option('--async', 'do not wait until it is stable')
    .action((...given: readonly unknown[]) => {
      const [name, id] = given as readonly [string | readonly string[], string | undefined];
      const { timeout, ...options } = command.opts();
      const to = takesNumber && id !== undefined ? { to: id } : {};
      const more = { ...isNamespaceGiven(command), ...to, timeoutMs: timeout };
      return rollbackCommand(form.words(name), { ...options, ...more } as never, ports);
    });
}
