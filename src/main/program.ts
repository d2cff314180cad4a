/** The command line: words and options here, what they do in cli/. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, Option } from 'commander';
import { applyCommand } from '#cli/apply.ts';
import { CommandEnd, type CommandPorts } from '#cli/command.ts';
import { exitCodeOf, exitCodes } from '#cli/exit-codes.ts';
import { healthCommand } from '#cli/health.ts';
import { install } from '#cli/install.ts';
import { planCommand } from '#cli/plan.ts';
import { renderCommand } from '#cli/render.ts';
import { argoDefinitions } from '#dialects/argo/crds.ts';
import { fluxDefinitions } from '#dialects/flux/crds.ts';
import { onStopSignal } from '#host/signals.ts';
import { failureLine } from '#model/failure.ts';
import { unitStateDefinition } from '#pipeline/record/unit-state-definition.ts';
import { addApp } from './app-program.ts';
import { commandPorts } from './command-ports.ts';
import { addCompletion } from './completion-program.ts';
import {
  duration,
  isNamespaceGiven,
  output,
  port,
  withCluster,
  withExample,
  withMirror,
  withTimeout,
} from './program-options.ts';
import { addResources } from './resource-program.ts';
import { start, type StartOptions } from './start.ts';
import { addToken } from './token-program.ts';

export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/**
 * Ends a command that is not `start` at Ctrl-C, and when nobody reads any more what it prints, as behind
 * `get --watch | head`; `start` takes the signal over.
 */
export function onceStopped(): { release: () => void } {
  const removeSignals = onStopSignal(() => process.exit(exitCodes.interrupted));
  const unread = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(exitCodes.failed);
  };
  process.stdout.on('error', unread);
  return {
    release: () => {
      removeSignals();
      process.stdout.off('error', unread);
    },
  };
}

export function program(stopped: { release: () => void }): Command {
  const ports = commandPorts();
  const root = new Command('trueup')
    .description('Keeps Kubernetes clusters true to Git.')
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  withExample(root, 'trueup start', 'trueup app list')
    .command('version')
    .description('print the version')
    .addHelpText('after', '\nExample:\n  trueup version\n')
    .action(() => ports.out(`trueup ${version}\n`));
  addStart(root, ports, stopped);
  addPlan(root, ports);
  addApply(root, ports);
  addRender(root, ports);
  addHealth(root, ports);
  addApp(root, ports);
  addResources(root, ports);
  withExample(
    withCluster(root.command('install').description('add what the cluster lacks')),
    'trueup install --crds',
  )
    .option('--crds', 'the CustomResourceDefinitions that are absent, and the control-plane namespace')
    .action((options) =>
      install(options, [...argoDefinitions, ...fluxDefinitions, unitStateDefinition], ports),
    );
  addToken(root, ports);
  addCompletion(root, ports);
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
      'the page, health, metrics, the API, webhooks and Git, on loopback; 0: any free one',
      port,
      8080,
    )
    .option('--replicated', 'share the work with all others in this namespace that are started so')
    .option('--tls', 'serve HTTPS, for clients that trust ca.crt of the data directory')
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
  withExample(withMirror(command), 'trueup start', 'trueup start --kubeconfig ~/.kube/config').action(
    async ({ pollInterval, ...options }: StartOptions & { pollInterval?: number }) => {
      stopped.release();
      const result = await start(
        { ...options, ...(pollInterval === undefined ? {} : { pollMs: pollInterval }) },
        { version, env: process.env, print: (line) => ports.out(`${line}\n`) },
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
  withExample(
    withMirror(
      withCluster(
        root
          .command('plan')
          .argument('[what...]', 'a resource: KIND/NAME, KIND/NAMESPACE/NAME or KIND NAME')
          .description('show what would be done; changes nothing'),
      ),
    ),
    'trueup plan --app web --exit-code',
    'trueup plan kustomization/apps --out apps.plan',
    'trueup plan --repo https://git.example/team/apps --path web',
  )
    .option('--repo <url>', 'a Git repository')
    .option('--path <directory>', 'the directory in it', '.')
    .option('--ref <ref>', 'branch, tag or commit', 'HEAD')
    .option('--recurse', 'read directories below it too')
    .option('--dest-namespace <name>', 'for objects that name no namespace', 'default')
    .option('--app <name>', 'the Application NAME instead')
    .option('--exit-code', 'exit with 2 when there are differences')
    .option('--out <file>', 'write the plan down, for trueup apply')
    .addOption(output('table', 'json'))
    .action((what: readonly string[], options, command: Command) =>
      planCommand({ ...options, what, ...isNamespaceGiven(command) }, ports),
    );
}

function addApply(root: Command, ports: CommandPorts): void {
  withExample(
    withTimeout(
      withMirror(
        withCluster(root.command('apply <file>').description('apply exactly the plan that was written down')),
      ),
    ),
    'trueup plan --app web --out web.plan && trueup apply web.plan',
  ).action((file: string, { timeout, ...options }) =>
    applyCommand(file, { ...options, timeoutMs: timeout }, ports),
  );
}

function addRender(root: Command, ports: CommandPorts): void {
  withExample(
    withMirror(root.command('render').description('print the manifests of a directory; needs no cluster')),
    'trueup render --path deploy/base',
  )
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

function addHealth(root: Command, ports: CommandPorts): void {
  withExample(
    root.command('health').description('judge live objects of a file; needs no cluster'),
    'kubectl get certificate web -o yaml | trueup health -f -',
    'trueup health -f certificate.yaml --config argocd-cm.yaml',
  )
    .requiredOption(
      '-f, --file <file>',
      'a file with live objects, with their status; - reads standard input',
    )
    .option('--config <file>', 'a file with the ConfigMap argocd-cm: its checks in Lua hold')
    .option('--exit-code', 'exit with 3 unless all are Healthy')
    .addOption(output('table', 'json'))
    .action((options) => healthCommand(options, ports));
}
