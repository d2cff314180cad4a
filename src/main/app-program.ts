/** `trueup app …`: what is said of Applications, in the words of argocd. */
import type { Command } from 'commander';
import { appDiff } from '#cli/app-diff.ts';
import { appHistory } from '#cli/app-history.ts';
import { appGet, appList, type OutputForm } from '#cli/app-list.ts';
import { appSync, appWait } from '#cli/app-sync.ts';
import type { CommandPorts } from '#cli/command.ts';
import { appManifests } from '#cli/plan.ts';
import { appRollback } from '#cli/rollback.ts';
import { appTerminate } from '#cli/terminate.ts';
import { flag, output, withCluster, withExample, withMirror, withTimeout } from './program-options.ts';

export function addApp(root: Command, ports: CommandPorts): void {
  const app = withExample(root.command('app').description('Applications'), 'trueup app list');
  addReading(app, ports);
  addActing(app, ports);
}

function addReading(app: Command, ports: CommandPorts): void {
  withExample(withCluster(app.command('list').description('all Applications')), 'trueup app list -A -o wide')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(output('table', 'wide', 'name', 'json', 'yaml'))
    .action((options) => appList(options, ports));
  withExample(withCluster(app.command('get <name>').description('one Application')), 'trueup app get web')
    .addOption(output('table', 'json', 'yaml'))
    .action((name: string, options: Parameters<typeof appGet>[1] & { output: OutputForm }) =>
      appGet(name, options, ports),
    );
  withExample(
    withMirror(
      withCluster(
        app
          .command('diff <name>')
          .description('field by field what Git and the cluster differ in, and by whom'),
      ),
    ),
    'trueup app diff web || echo "it differs, or could not be compared"',
    'trueup app diff web --revision feature -o json',
  )
    .option('--revision <ref>', 'another revision')
    .option('--exit-code [true|false]', 'end with 1 when there are differences', flag, true)
    .addOption(output('table', 'json'))
    .action((name: string, options) => appDiff(name, options, ports));
  withExample(
    withCluster(app.command('history <name>').description('what was deployed, what drifted and was healed')),
    'trueup app history web',
  )
    .addOption(output('table', 'json'))
    .action((name: string, options) => appHistory(name, options, ports));
  withExample(
    withMirror(
      withCluster(app.command('manifests <name>').description('what Git says, as it would be applied')),
    ),
    'trueup app manifests web --revision v1.2.0',
  )
    .option('--revision <ref>', 'another revision')
    .action((name: string, options) => appManifests(name, options, ports));
}

function addActing(app: Command, ports: CommandPorts): void {
  withExample(
    withTimeout(withCluster(app.command('sync <name>').description('apply what Git says now'))),
    'trueup app sync web --dry-run',
    'trueup app sync web --prune',
    'trueup app sync web --resource apps:Deployment:web',
  )
    .option('--prune', 'delete what is not in Git')
    .option('--dry-run', 'only say what would be done')
    .option('--revision <ref>', 'another revision, where automated sync is off')
    .option('--approve [digest]', 'approve the plan that is held, or the one with this digest')
    .option(
      '--resource <group:kind:name>',
      'only this object, or with ! before it all but this one; can be given again',
      (text: string, before: readonly string[]) => [...before, text],
      [] as readonly string[],
    )
    .option('--force', 'delete and make anew what cannot be changed')
    .option('--async', 'do not wait for the result')
    .action((name: string, { timeout, ...options }) =>
      appSync(name, { ...options, timeoutMs: timeout }, ports),
    );
  withExample(
    withTimeout(withCluster(app.command('wait <name>').description('until it is synced and healthy'))),
    'trueup app wait web --timeout 2m',
  )
    .option('--sync', 'only until it is synced')
    .option('--health', 'only until it is healthy')
    .option('--operation', 'only until no operation is in progress')
    .action((name: string, { timeout, ...options }) =>
      appWait(name, { ...options, timeoutMs: timeout }, ports),
    );
  withExample(
    withTimeout(
      withMirror(
        withCluster(
          app
            .command('rollback <name> [id]')
            .description('revert in Git, back to a deployment of its history'),
        ),
      ),
    ),
    'trueup app rollback web --reason "checkout is slow"',
    'trueup app rollback web 12 --dry-run',
  )
    .option('--reason <text>', 'stands in the commit')
    .option('--author <name-and-address>', 'of the commit, as "Ada <ada@example.com>"')
    .option('--yes', 'also when other Applications read what is reverted')
    .option('--dry-run', 'only print the git commands that would do it')
    .option('--async', 'do not wait until it is stable')
    .action((name: string, id: string | undefined, { timeout, ...options }) =>
      appRollback(name, id, { ...options, timeoutMs: timeout }, ports),
    );
  withExample(
    withTimeout(
      withCluster(
        app.command('terminate <name>').alias('terminate-op').description('end the operation in progress'),
      ),
    ),
    'trueup app terminate web',
  ).action((name: string, { timeout, ...options }) =>
    appTerminate(name, { ...options, timeoutMs: timeout }, ports),
  );
}
