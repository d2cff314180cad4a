/** `trueup app …`: what is said of Applications, in the words of argocd. */
import type { Command } from 'commander';
import { listActions, runAction } from '#cli/app-actions.ts';
import { appGet, appList } from '#cli/app-list.ts';
import { appSync, appWait } from '#cli/app-sync.ts';
import type { CommandPorts } from '#cli/command.ts';
import type { OutputForm } from '#cli/listing.ts';
import { appManifests } from '#cli/plan.ts';
import { applicationWords } from '#cli/resources.ts';
import {
  output,
  withCluster,
  withExample,
  withMirror,
  withSelection,
  withTimeout,
} from './program-options.ts';
import { addRollback, addSharedVerbs } from './shared-verbs.ts';

export function addApp(root: Command, ports: CommandPorts): void {
  const app = withExample(root.command('app').description('Applications'), 'trueup app list');
  addReading(app, ports);
  addActing(app, ports);
  const form = {
    argument: '<name>',
    argumentHelp: 'NAME or NAMESPACE/NAME',
    words: (given: string | readonly string[]) => applicationWords(String(given)),
    example: (verb: string) => `trueup app ${verb} web`,
    alias: { terminate: 'terminate-op' },
  };
  addSharedVerbs(app, form, ports);
  addRollback(app, form, ports);
  addActions(app, ports);
}

function addReading(app: Command, ports: CommandPorts): void {
  withExample(
    withSelection(withCluster(app.command('list').description('all Applications'))),
    'trueup app list -A -o wide',
    "trueup app list -l 'team in (payments,shop)'",
  )
    .addOption(output('table', 'wide', 'name', 'json', 'yaml'))
    .action((options) => appList(options, ports));
  withExample(withCluster(app.command('get <name>').description('one Application')), 'trueup app get web')
    .addOption(output('table', 'json', 'yaml'))
    .action((name: string, options: Parameters<typeof appGet>[1] & { output: OutputForm }) =>
      appGet(name, options, ports),
    );
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
}

function addActions(app: Command, ports: CommandPorts): void {
  const actions = withExample(
    app.command('actions').description('what argocd-cm lets people do with objects'),
    'trueup app actions list web',
  );
  withExample(
    ofObjects(withCluster(actions.command('list <name>').description('which actions its objects have now'))),
    'trueup app actions list web --kind CronJob',
  )
    .addOption(output('table', 'json'))
    .action((name: string, options) => listActions(name, options, ports));
  withExample(
    ofObjects(withCluster(actions.command('run <name> <action>').description('run an action on an object'))),
    'trueup app actions run web suspend --kind CronJob --resource-name nightly',
  )
    .option('--all', 'on all objects that match')
    .option('--param <name=value>', 'a parameter of the action (repeatable)', collected, [])
    .action((name: string, action: string, options) => runAction(name, action, options, ports));
}

function collected(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

function ofObjects(command: Command): Command {
  return command
    .option('--kind <kind>', 'only objects of this kind')
    .option('--group <group>', 'only objects of this API group')
    .option('--resource-name <name>', 'only the object of this name')
    .option('--resource-namespace <name>', 'only objects in this namespace');
}
