/** `trueup app list`, `trueup app get` */
import type { Manifest } from '#model/object.ts';
import { lastRollback } from './history.ts';
import {
  applicationRef,
  applicationSelection,
  conditionsOf,
  listApplications,
  readApplication,
  standingOf,
  textAt,
} from './applications.ts';
import { orEnd, table, type ClusterOptions, type CommandPorts } from './command.ts';
import { followDeclarations, readDeclarations, type Declarations } from './declarations.ts';
import { listText, shownAs, type Columns, type OutputForm } from './listing.ts';
import { selectorOf } from './resources.ts';
import { watch } from './watching.ts';
import { yamlText } from './yaml-text.ts';

export interface ListOptions extends ClusterOptions {
  readonly output: OutputForm;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly watch?: boolean;
}

export async function appList(options: ListOptions, ports: CommandPorts): Promise<void> {
  const isSelected = selectorOf(options.selector);
  const cluster = orEnd(await ports.cluster(options));
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const none = `no Applications in ${namespace === undefined ? 'any namespace' : `namespace ${namespace}`}\n`;
  const columns = async (declarationsOf: typeof readDeclarations): Promise<Columns> =>
    options.output === 'table' || options.output === 'wide'
      ? columnsOf(options.output === 'wide', await declarationsOf(cluster, options.namespace, ports))
      : columnsOf(false);
  if (options.watch === true) {
    const shown = shownAs(options.output, await columns(followDeclarations), ports, none);
    return watch({ cluster, selections: [applicationSelection(namespace)], isSelected }, shown);
  }
  const applications = orEnd(await listApplications(cluster, namespace)).filter(isSelected);
  ports.out(listText(applications, options.output, await columns(readDeclarations)));
  if (applications.length === 0) ports.say(none);
}

/** Without declarations, what their conditions say is the cause. */
function columnsOf(isWide: boolean, declarations?: Declarations): Columns {
  const name = ({ metadata }: Manifest): string => `${metadata.namespace}/${metadata.name}`;
  return {
    header: [
      'NAME',
      'SYNC',
      'HEALTH',
      'REVISION',
      ...(isWide ? ['REPOSITORY', 'PATH', 'DESTINATION'] : []),
      'CAUSE',
    ],
    naming: 1,
    cells: (application) => {
      const { sync, health, revision } = standingOf(application);
      const wide = [
        textAt(application, 'spec', 'source', 'repoURL'),
        textAt(application, 'spec', 'source', 'path'),
        textAt(application, 'spec', 'destination', 'namespace'),
      ];
      return [
        name(application),
        sync,
        health,
        revision.slice(0, 8),
        ...(isWide ? wide : []),
        declarations === undefined ? '' : cause(application, declarations),
      ];
    },
    name,
  };
}

/** One sentence: why it is not as it should be. */
function cause(application: Manifest, declarations: Declarations): string {
  const observed = declarations.observed(application);
  if (observed !== undefined) return observed;
  const [condition] = conditionsOf(application).filter(({ type }) => type !== 'Warning');
  const text = condition?.message ?? textAt(application, 'status', 'health', 'message');
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

export async function appGet(name: string, options: ListOptions, ports: CommandPorts): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const application = await readApplication(cluster, applicationRef(name, options.namespace));
  if (options.output === 'json') ports.out(`${JSON.stringify(application, null, 2)}\n`);
  else if (options.output === 'yaml') ports.out(yamlText(application));
  else {
    ports.out(description(application, await lastRollback(cluster, application)));
    const observed = (await readDeclarations(cluster, options.namespace, ports)).observed(application);
    if (observed !== undefined) ports.out(`\n${observed}\n`);
  }
}

function description(application: Manifest, rollback: string | undefined): string {
  const { sync, health, revision, phase, message } = standingOf(application);
  const resources = resourcesOf(application);
  const synced = resources.filter(({ status }) => status === 'Synced').length;
  const healthMessage = textAt(application, 'status', 'health', 'message');
  const head = table([
    ['Name:', `${application.metadata.namespace}/${application.metadata.name}`],
    ['Project:', textAt(application, 'spec', 'project')],
    ['Server:', textAt(application, 'spec', 'destination', 'server')],
    ['Namespace:', textAt(application, 'spec', 'destination', 'namespace')],
    ['Repository:', textAt(application, 'spec', 'source', 'repoURL')],
    ['Path:', textAt(application, 'spec', 'source', 'path')],
    ['Target:', textAt(application, 'spec', 'source', 'targetRevision') || 'HEAD'],
    ['Revision:', revision],
    ['Sync Status:', `${sync} (${synced}/${resources.length})`],
    ['Health Status:', `${health}${healthMessage === '' ? '' : `: ${healthMessage}`}`],
    ['Last Operation:', phase === '' ? 'none' : `${phase}: ${message}`],
    ...(rollback === undefined ? [] : [['Last Rollback:', rollback]]),
  ]);
  const conditions = conditionsOf(application).map(({ type, message: text }) => `${type}: ${text}\n`);
  const listed =
    resources.length === 0
      ? ''
      : `\n${table([['KIND', 'NAMESPACE', 'NAME', 'STATUS'], ...resources.map(cells)])}`;
  return `${head}${conditions.length === 0 ? '' : `\n${conditions.join('')}`}${listed}`;
}

interface ResourceRow {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: string;
}

const cells = ({ kind, namespace, name, status }: ResourceRow): readonly string[] => [
  kind,
  namespace,
  name,
  status,
];

function resourcesOf(application: Manifest): readonly ResourceRow[] {
  const status = application['status'] as { readonly resources?: readonly unknown[] } | undefined;
  return (status?.resources ?? []).map((resource) => ({
    kind: textAt(resource, 'kind'),
    namespace: textAt(resource, 'namespace'),
    name: textAt(resource, 'name'),
    status: `${textAt(resource, 'status')}${(resource as { requiresPruning?: boolean }).requiresPruning === true ? ' (not in Git)' : ''}`,
  }));
}
