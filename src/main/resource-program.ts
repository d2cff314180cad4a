/** Verbs that hold for every kind that declares Units, in the words of flux. */
import type { Command } from 'commander';
import { approveCommand } from '#cli/approve.ts';
import type { CommandPorts } from '#cli/command.ts';
import { eventsCommand } from '#cli/events.ts';
import { getCommand } from '#cli/get.ts';
import { reportCommand, type ReportOptions } from '#cli/report.ts';
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
  withSelection,
  withTimeout,
} from './program-options.ts';
import { openReportSource, type ReportPlace } from './report-source.ts';
import { addRollback, addSharedVerbs } from './shared-verbs.ts';

export function addResources(root: Command, ports: CommandPorts): void {
  withExample(
    withSelection(
      withCluster(
        root
          .command('get [what...]')
          .description('all, applications, kustomizations, sources, … of every kind that is known'),
      ),
    ),
    'trueup get all -A',
    'trueup get applications -l team=payments -o wide',
    'trueup get sources git',
    'trueup get kustomizations --watch',
  )
    .addOption(output('table', 'wide', 'name', 'yaml', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      getCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  addLooking(root, ports);
  addReport(root, ports);
  addTakingOver(root, ports);
  addAsking(root, ports);
  const form = {
    argument: '<what...>',
    argumentHelp: wordsHelp,
    words: (given: string | readonly string[]) => [given].flat(),
    example: (verb: string) => `trueup ${verb} kustomization/apps`,
  };
  addSharedVerbs(root, form, ports);
  addRollback(root, form, ports);
}

const wordsHelp =
  'NAME or NAMESPACE/NAME of an Application; KIND/NAME, KIND/NAMESPACE/NAME or KIND NAME of any resource; source git NAME';

function addReport(root: Command, ports: CommandPorts): void {
  const command = root
    .command('report')
    .description('deployments, drift, rollbacks, and how much of the cluster Git explains')
    .option('--since <time>', 'from then: 30d, 12h, or a date', '30d')
    .option('--until <time>', 'until then; now if not given')
    .option(
      '--app <name>',
      'only of NAME or NAMESPACE/NAME of an Application, KIND/NAME or KIND/NAMESPACE/NAME of another',
    )
    .option(
      '-n, --namespace <name>',
      'only of resources in this namespace; for --app, where it is looked for',
      'argocd',
    )
    .option('--events', 'every event that is counted')
    .option('--no-objects', 'do not look at what lives in the cluster')
    .option('--server <url>', 'the running Trueup (else $TRUEUP_SERVER, else http://127.0.0.1:8080)')
    .option(
      '--token-file <file>',
      'its token (else $TRUEUP_TOKEN, else the file token of the data directory)',
    )
    .option('--data-dir <directory>', 'of the Trueup; its records are read where no server runs', '.trueup')
    .addOption(output('table', 'markdown', 'json'));
  withExample(command, 'trueup report', 'trueup report --since 2026-01-01 --app web --events').action(
    (options: ReportOptions & ReportPlace, own: Command) =>
      reportCommand(
        { ...options, ...isNamespaceGiven(own) },
        { ...ports, open: () => openReportSource(options, ports.say) },
      ),
  );
}

function addLooking(root: Command, ports: CommandPorts): void {
  withExample(
    withCluster(
      root
        .command('tree')
        .argument('<what...>', wordsHelp)
        .description('what it declares, and what became of it'),
    ),
    'trueup tree web',
    'trueup tree kustomization/flux-system/apps',
  )
    .addOption(output('table', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      treeCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root
        .command('why')
        .argument('<what...>', wordsHelp)
        .description('what it waits for, in one sentence with its chain'),
    ),
    'trueup why web',
  )
    .addOption(output('table', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      whyCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
  withExample(
    withCluster(
      root.command('events').argument('<what...>', wordsHelp).description('events of it and of its objects'),
    ),
    'trueup events web',
  )
    .addOption(output('table', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      eventsCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
    );
}

function addTakingOver(root: Command, ports: CommandPorts): void {
  withExample(
    withTimeout(
      withMirror(
        withCluster(
          root
            .command('takeover')
            .argument('<what...>', wordsHelp)
            .description('the first plan for what another controller kept so far'),
        ),
      ),
    ),
    'trueup takeover web',
    'trueup takeover kustomization/apps --yes',
  )
    .option('--yes', 'carry it out')
    .action((what: readonly string[], { timeout, ...options }, command: Command) =>
      takeoverCommand(what, { ...options, ...isNamespaceGiven(command), timeoutMs: timeout }, ports),
    );
  withExample(
    withCluster(
      root
        .command('hand-back')
        .argument('<what...>', wordsHelp)
        .description('what another controller finds, and how it goes on'),
    ),
    'trueup hand-back web',
  ).action((what: readonly string[], options, command: Command) =>
    handBackCommand(what, { ...options, ...isNamespaceGiven(command) }, ports),
  );
}

function addAsking(root: Command, ports: CommandPorts): void {
  withExample(
    withTimeout(
      withCluster(
        root
          .command('approve')
          .argument('<what...>', wordsHelp)
          .description('have the plan carried out that waits for approval'),
      ),
    ),
    'trueup approve web',
    'trueup approve kustomization/apps --plan sha256:…',
  )
    .option('--plan <digest>', 'only if this is the plan that waits')
    .action((what: readonly string[], { timeout, ...options }, command: Command) =>
      approveCommand(what, { ...options, ...isNamespaceGiven(command), timeoutMs: timeout }, ports),
    );
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
