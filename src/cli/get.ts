/** `trueup get`: resources of any kind that declares Units, and their sources, in one table. */
import type { Selection } from '#model/dialect.ts';
import { describe, refOf, type Manifest } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { orEnd, type CommandPorts } from './command.ts';
import { lastRollback } from './history.ts';
import { listText, shownAs, type Columns, type OutputForm } from './listing.ts';
import {
  kindsNamed,
  listedKinds,
  listResources,
  namespaceFor,
  resourceStanding,
  selectorOf,
  unknownKind,
  type ListedKind,
  type ResourceOptions,
} from './resources.ts';
import { watch } from './watching.ts';

export interface GetOptions extends ResourceOptions {
  readonly output: OutputForm;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly watch?: boolean;
}

const messageLengthMax = 100;

/** `words`: `all`, `applications`, or as flux has it `sources git`; a name behind them shows that one alone. */
export async function getCommand(
  words: readonly string[],
  options: GetOptions,
  ports: CommandPorts,
): Promise<void> {
  const known = listedKinds(ports.dialects(options.namespace));
  const [first = 'all', ...rest] = words;
  let kinds = kindsNamed(first, known);
  if (kinds.length === 0) throw unknownKind(first, known);
  if (/^sources?$/i.test(first) && rest[0] !== undefined && rest[0] !== 'all') {
    const word = rest.shift()!;
    kinds = kindsNamed(word, kinds);
    if (kinds.length === 0) throw unknownKind(word, known);
  }
  const [name] = rest;
  const isSelected = selectorOf(options.selector);
  const cluster = orEnd(await ports.cluster(options));
  const where =
    options.allNamespaces === true ? 'any namespace' : `namespace ${namespacesText(kinds, options)}`;
  const none = `no ${name ?? first} in ${where}\n`;
  const columns = columnsOf(options.output === 'wide');
  const namespaceOf = ({ kind }: ListedKind): string | undefined =>
    options.allNamespaces === true ? undefined : namespaceFor(kind, options);
  if (options.watch === true) {
    const selections = kinds.map((kind) => selectionOf(kind, namespaceOf(kind), name));
    return watch({ cluster, selections, isSelected }, shownAs(options.output, columns, ports, none));
  }
  const found: Manifest[] = [];
  for (const kind of kinds) found.push(...(await listResources(cluster, kind.kind, namespaceOf(kind))));
  const shown = found.filter(
    (resource) => isSelected(resource) && (name === undefined || resource.metadata.name === name),
  );
  // A table without rows says nothing.
  const isForPeople = options.output === 'table' || options.output === 'wide';
  if (shown.length > 0 || !isForPeople) ports.out(listText(shown, options.output, columns));
  if (shown.length === 0) ports.say(none);
  if (name !== undefined && isForPeople) ports.out(await rollbacksText(cluster, shown));
}

/** As `app get` says it. Who may not read our records is shown the table all the same. */
async function rollbacksText(cluster: Cluster, shown: readonly Manifest[]): Promise<string> {
  const lines: string[] = [];
  for (const resource of shown) {
    const last = await lastRollback(cluster, resource).catch(() => undefined);
    const whose = shown.length === 1 ? '' : `${describe(refOf(resource))}: `;
    if (last !== undefined) lines.push(`Last Rollback:  ${whose}${last}\n`);
  }
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

/** Of a kind that the cluster does not serve there are none, until it does. */
function selectionOf(
  { kind, plural }: ListedKind,
  namespace: string | undefined,
  name: string | undefined,
): Selection {
  return {
    kind,
    plural,
    optional: true,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

function namespacesText(kinds: readonly ListedKind[], options: GetOptions): string {
  return [...new Set(kinds.map(({ kind }) => namespaceFor(kind, options)))].join(' or ');
}

function columnsOf(isWide: boolean): Columns {
  return {
    header: [
      'KIND',
      'NAMESPACE',
      'NAME',
      'READY',
      'SUSPENDED',
      'REVISION',
      ...(isWide ? ['SINCE'] : []),
      'MESSAGE',
    ],
    naming: 3,
    cells: (resource) => cells(resource, isWide),
    name: ({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.namespace ?? ''}/${metadata.name}`,
  };
}

function cells(resource: Manifest, isWide: boolean): readonly string[] {
  const { ready, revision, isSuspended, message } = resourceStanding(resource);
  const { kind, namespace, name } = refOf(resource);
  const since = String(resource.metadata['creationTimestamp'] ?? '');
  const text =
    !isWide && message.length > messageLengthMax ? `${message.slice(0, messageLengthMax - 1)}…` : message;
  return [
    kind,
    namespace,
    name,
    ready,
    isSuspended ? 'yes' : 'no',
    isWide ? revision : revision.replace(/(:[0-9a-f]{8})[0-9a-f]+$/, '$1'),
    ...(isWide ? [since] : []),
    text,
  ];
}
