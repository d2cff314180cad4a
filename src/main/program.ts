/** The command line: words and options here, what they do in cli/. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, InvalidArgumentError, Option } from 'commander';
import { appHistory } from '#cli/app-history.ts';
import { appGet, appList, type OutputForm } from '#cli/app-list.ts';
import { appSync, appWait } from '#cli/app-sync.ts';
import { CommandEnd, type CommandPorts } from '#cli/command.ts';
import { exitCodeOf, exitCodes } from '#cli/exit-codes.ts';
import { install } from '#cli/install.ts';
import { appManifests, planCommand } from '#cli/plan.ts';
import { renderCommand } from '#cli/render.ts';
import { argoDefinitions } from '#dialects/argo/crds.ts';
import { fluxDefinitions } from '#dialects/flux/crds.ts';
import type { Mirror } from '#git/url.ts';
import { onStopSignal } from '#host/signals.ts';
import { failureLine } from '#model/failure.ts';
import { parseDuration } from '#model/time.ts';
import { unitStateDefinition } from '#pipeline/record/unit-state-definition.ts';
import { commandPorts } from './command-ports.ts';
import { start, type StartOptions } from './start.ts';

export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Ends a command that is not `start` at Ctrl-C; `start` takes the signal over. */
export function onceStopped(): { release: () => void } {
  const remove = onStopSignal(() => process.exit(exitCodes.interrupted));
  return { release: remove };
}

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('a port is 0 to 65535');
  return value;
};
const duration = (text: string): number => {
  const valueMs = parseDuration(text);
  if (valueMs === undefined) throw new InvalidArgumentError('write it as 30s, 5m or 1h');
  return valueMs;
};
const mirror = (text: string, earlier: readonly Mirror[]): readonly Mirror[] => {
  const split = text.indexOf('=');
  if (split <= 0 || split === text.length - 1)
    throw new InvalidArgumentError('write it as FROM=TO, two URL prefixes');
  return [...earlier, { from: text.slice(0, split), to: text.slice(split + 1) }];
};

const output = (...forms: readonly string[]): Option =>
  new Option('-o, --output <form>', 'form of the result').choices(forms).default(forms[0]);

function withCluster(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig of the cluster (else $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context in the kubeconfig')
    .option(
      '-n, --namespace <name>',
      'the control-plane namespace: Applications, argocd-cm, credentials',
      'argocd',
    );
}

function withMirror(command: Command): Command {
  return command.option(
    '--mirror <from=to>',
    'read repositories under the URL prefix FROM at TO (repeatable)',
    mirror,
    [],
  );
}

function withTimeout(command: Command): Command {
  return command.addOption(
    new Option('--timeout <duration>', 'how long to wait at most, in seconds or as 5m')
      .argParser(duration)
      .default(300_000, '5m'),
  );
}

export function program(stopped: { release: () => void }): Command {
  const ports = commandPorts();
  const root = new Command('trueup')
    .description('Keeps Kubernetes clusters true to Git.')
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  root
    .command('version')
    .description('print the version')
    .action(() => ports.out(`trueup ${version}\n`));
  addStart(root, ports, stopped);
  addPlan(root, ports);
  addRender(root, ports);
  addApp(root, ports);
  withCluster(root.command('install').description('add what the cluster lacks'))
    .option('--crds', 'the CustomResourceDefinitions that are absent, and the control-plane namespace')
    .action((options) =>
      install(options, [...argoDefinitions, ...fluxDefinitions, unitStateDefinition], ports),
    );
  for (const command of allCommands(root)) command.exitOverride();
  return root;
}

function* allCommands(command: Command): Iterable<Command> {
  for (const child of command.commands) {
    yield child;
    yield* allCommands(child);
  }
}

function addStart(root: Command, ports: CommandPorts, stopped: { release: () => void }): void {
  const command = root
    .command('start')
    .description('reconcile a cluster until stopped; without one, bring one in this process')
    .option(
      '--kubeconfig <file>',
      'kubeconfig of the cluster; in a pod, its own account; else one in this process',
    )
    .option('--context <name>', 'context in the kubeconfig')
    .option(
      '-n, --namespace <name>',
      'the control-plane namespace: Applications, argocd-cm, credentials',
      'argocd',
    )
    .option('--repo <url>', 'without a cluster: your own repository, instead of the example')
    .option('--path <directory>', 'the directory in it', '.')
    .option('--ref <ref>', 'branch, tag or commit', 'HEAD')
    .option(
      '--flux-namespaces <names>',
      'globs of the namespaces whose Flux resources are reconciled, with commas; all of them if not given',
      (text: string) => text.split(',').map((name) => name.trim()),
    )
    .option('--cross-namespace-refs', "Flux's resources may refer to sources in other namespaces")
    .option('--data-dir <directory>', 'local state; without a cluster, all of it', '.trueup')
    .option(
      '--port <number>',
      'the page, health, metrics, webhooks and Git, on loopback; 0: any free one',
      port,
      8080,
    )
    .addOption(
      new Option(
        '--poll-interval <duration>',
        'how often repositories are asked for commits (else timeout.reconciliation of argocd-cm, else 30s)',
      ).argParser(duration),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged on standard error')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    );
  withMirror(command).action(
    async ({ pollInterval, ...options }: StartOptions & { pollInterval?: number }) => {
      stopped.release();
      const result = await start(
        { ...options, ...(pollInterval === undefined ? {} : { pollMs: pollInterval }) },
        { env: process.env, print: (line) => ports.out(`${line}\n`) },
      );
      if (!result.ok)
        throw new CommandEnd(
          exitCodeOf(result.failure) === 0 ? 0 : exitCodes.failed,
          failureLine(result.failure),
        );
    },
  );
}

function addPlan(root: Command, ports: CommandPorts): void {
  withMirror(withCluster(root.command('plan').description('show what would be done; changes nothing')))
    .option('--repo <url>', 'a Git repository')
    .option('--path <directory>', 'the directory in it', '.')
    .option('--ref <ref>', 'branch, tag or commit', 'HEAD')
    .option('--recurse', 'read directories below it too')
    .option('--dest-namespace <name>', 'for objects that name no namespace', 'default')
    .option('--app <name>', 'the Application NAME instead')
    .option('--exit-code', 'exit with 2 when there are differences')
    .addOption(output('table', 'json'))
    .action((options) => planCommand(options, ports));
}

function addRender(root: Command, ports: CommandPorts): void {
  withMirror(root.command('render').description('print the manifests of a directory; needs no cluster'))
    .requiredOption('--repo <url|directory>', 'a Git repository, or a directory of this disk as it is', '.')
    .option('--path <directory>', 'the directory in it (else that of the Application, else the root)')
    .option('--ref <ref>', 'branch, tag or commit of a Git repository')
    .option('--app <file>', 'render as the Application in FILE does')
    .option('--recurse', 'plain files: read directories below it too')
    .option('--dest-namespace <name>', 'of the release, for charts', 'default')
    .option('--origins', 'say where each object stands')
    .option('--show-secrets', 'print the values of Secrets')
    .addOption(output('yaml', 'json'))
    .action((options) => renderCommand(options, ports));
}

function addApp(root: Command, ports: CommandPorts): void {
  const app = root.command('app').description('Applications');
  withCluster(app.command('list').description('all Applications'))
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(output('table', 'wide', 'name', 'json', 'yaml'))
    .action((options) => appList(options, ports));
  withCluster(app.command('get <name>').description('one Application'))
    .addOption(output('table', 'json', 'yaml'))
    .action((name: string, options: Parameters<typeof appGet>[1] & { output: OutputForm }) =>
      appGet(name, options, ports),
    );
  withTimeout(withCluster(app.command('sync <name>').description('apply what Git says now')))
    .option('--prune', 'delete what is not in Git')
    .option('--dry-run', 'only say what would be done')
    .option('--revision <ref>', 'another revision, where automated sync is off')
    .option('--approve [digest]', 'approve the plan that is held, or the one with this digest')
    .option('--async', 'do not wait for the result')
    .action((name: string, { timeout, ...options }) =>
      appSync(name, { ...options, timeoutMs: timeout }, ports),
    );
  withTimeout(withCluster(app.command('wait <name>').description('until it is synced and healthy')))
    .option('--sync', 'only until it is synced')
    .option('--health', 'only until it is healthy')
    .option('--operation', 'only until no operation is in progress')
    .action((name: string, { timeout, ...options }) =>
      appWait(name, { ...options, timeoutMs: timeout }, ports),
    );
  withCluster(app.command('history <name>').description('what was deployed, what drifted and was healed'))
    .addOption(output('table', 'json'))
    .action((name: string, options) => appHistory(name, options, ports));
  withMirror(
    withCluster(app.command('manifests <name>').description('what Git says, as it would be applied')),
  )
    .option('--revision <ref>', 'another revision')
    .action((name: string, options) => appManifests(name, options, ports));
}
