/** `trueup completion`: the tree of commands as a shell needs it. */
import { Argument, type Command } from 'commander';
import type { CommandPorts } from '#cli/command.ts';
import { completionScript, shells, type Completable, type Shell } from '#cli/completion.ts';
import { withExample } from './program-options.ts';

export function addCompletion(root: Command, ports: CommandPorts): void {
  withExample(
    root.command('completion').description('print what makes a shell complete commands and options'),
    'source <(trueup completion bash)',
    'trueup completion fish | source',
  )
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => ports.out(completionScript(shell, completable(root))));
}

export function completable(command: Command): Completable {
  return {
    name: command.name(),
    description: command.description(),
    commands: command.commands.map(completable),
    options: [
      ...command.options.map(({ short, long, description, required, optional, argChoices }) => ({
        flags: [short, long].filter((flag): flag is string => typeof flag === 'string'),
        description,
        takesValue: required || optional,
        choices: argChoices ?? [],
      })),
      { flags: ['-h', '--help'], description: 'explain it', takesValue: false, choices: [] },
    ],
  };
}
