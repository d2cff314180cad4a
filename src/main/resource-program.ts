/** Verbs that hold for every kind that declares Units, in the words of flux. */
import type { Command } from 'commander';
import type { CommandPorts } from '#cli/command.ts';
import { eventsCommand } from '#cli/events.ts';
import { getCommand } from '#cli/get.ts';
import { reconcileCommand, resumeCommand, suspendCommand } from '#cli/suspend.ts';
import { handBackCommand, takeoverCommand } from '#cli/takeover.ts';
import { treeCommand } from '#cli/tree.ts';
import { whyCommand } from '#cli/why.ts';
import {
  isNamespaceGiven,
  output,
  withCluster,
  withExample,
  withMirror,
  withTimeout,
} from './program-options.ts';

export function addResources(root: Command, ports: CommandPorts): void {
  withExample(
    withCluster(
      root
        .command('get [what...]')
        .description('all, applications, kustomizations, sources, … of every kind that is known'),
    ),
    'trueup get all -A',
    'trueup get applications -l team=payments -o wide',
    'trueup get sources git',
  )
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-l, --selector <labels>', 'only those with these labels: a=b,c!=d,e,!f')
    .addOption(output('table', 'wide', 'name', 'yaml', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      getCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  addLooking(root, ports);
  addTakingOver(root, ports);
  addAsking(root, ports);
}

const nameHelp =
  'NAME or NAMESPACE/NAME of an Application, KIND/NAME or KIND/NAMESPACE/NAME of another resource';

function addLooking(root: Command, ports: CommandPorts): void {
  withExample(
    withCluster(
      root
        .command('tree')
        .argument('<name>', nameHelp)
        .description('what it declares, and what became of it'),
    ),
    'trueup tree web',
    'trueup tree kustomization/flux-system/apps',
  )
    .addOption(output('table', 'json'))
    .action((name: string, options, command: Command) =>
      treeCommand(name, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root
        .command('why')
        .argument('<name>', nameHelp)
        .description('what it waits for, in one sentence with its chain'),
    ),
    'trueup why web',
  )
    .addOption(output('table', 'json'))
    .action((name: string, options, command: Command) =>
      whyCommand(name, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root.command('events').argument('<name>', nameHelp).description('events of it and of its objects'),
    ),
    'trueup events web',
  )
    .addOption(output('table', 'json'))
    .action((name: string, options, command: Command) =>
      eventsCommand(name, { ...options, ...isNamespaceGiven(command) }, ports),
    );
}

function addTakingOver(root: Command, ports: CommandPorts): void {
  withExample(
    withTimeout(
      withMirror(
        withCluster(
          root
            .command('takeover <name>')
            .description('the first plan for what another controller kept so far'),
        ),
      ),
    ),
    'trueup takeover web',
    'trueup takeover web --yes',
  )
    .option('--yes', 'carry it out')
    .action((name: string, { timeout, ...options }) =>
      takeoverCommand(name, { ...options, timeoutMs: timeout }, ports),
    );
  withExample(
    withCluster(
      root.command('hand-back <name>').description('what another controller finds, and how it goes on'),
    ),
    'trueup hand-back web',
  ).action((name: string, options) => handBackCommand(name, options, ports));
}

const wordsHelp = 'NAME of an Application, or KIND NAME, or as flux has it: source git NAME';

function addAsking(root: Command, ports: CommandPorts): void {
  withExample(
    withCluster(root.command('reconcile').argument('<what...>', wordsHelp).description('look at it now')),
    'trueup reconcile application web',
    'trueup reconcile kustomization apps --with-source',
  )
    .option('--with-source', 'look at its source first')
    .action((what: readonly string[], options, command: Command) =>
      reconcileCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root
        .command('suspend')
        .argument('<what...>', wordsHelp)
        .description('apply nothing by itself until resumed'),
    ),
    'trueup suspend web --reason "incident 42"',
  )
    .option('--reason <text>', 'for those who find it suspended')
    .action((what: readonly string[], options, command: Command) =>
      suspendCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root.command('resume').argument('<what...>', wordsHelp).description('go on with what was suspended'),
    ),
    'trueup resume web',
  ).action((what: readonly string[], options, command: Command) =>
    resumeCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
  );
}
