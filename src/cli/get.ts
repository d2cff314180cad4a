/** `trueup get`: resources of any kind that declares Units, and their sources, in one table. */
import { refOf, type Manifest } from '#model/object.ts';
import { orEnd, table, type CommandPorts } from './command.ts';
import {
  kindsNamed,
  listedKinds,
  listResources,
  namespaceFor,
  resourceStanding,
  selectorOf,
  unknownKind,
  type ResourceOptions,
} from './resources.ts';
import { yamlText } from './yaml-text.ts';

export interface GetOptions extends ResourceOptions {
  readonly output: 'table' | 'wide' | 'name' | 'yaml' | 'json';
  readonly allNamespaces?: boolean;
  readonly selector?: string;
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
  const found: Manifest[] = [];
  for (const { kind } of kinds) {
    const namespace = options.allNamespaces === true ? undefined : namespaceFor(kind, options);
    found.push(...(await listResources(cluster, kind, namespace)));
  }
  const shown = found.filter(
    (resource) => isSelected(resource) && (name === undefined || resource.metadata.name === name),
  );
  if (options.output === 'json') ports.out(`${JSON.stringify(shown, null, 2)}\n`);
  else if (options.output === 'yaml') ports.out(yamlText(shown));
  else if (options.output === 'name') ports.out(shown.map((resource) => `${nameOf(resource)}\n`).join(''));
  else if (shown.length > 0) ports.out(table(rows(shown, options.output === 'wide')));
  if (shown.length > 0) return;
  const where =
    options.allNamespaces === true ? 'any namespace' : `namespace ${namespacesText(kinds, options)}`;
  ports.say(`no ${name ?? first} in ${where}\n`);
}

function namespacesText(
  kinds: readonly { kind: Parameters<typeof namespaceFor>[0] }[],
  options: GetOptions,
): string {
  return [...new Set(kinds.map(({ kind }) => namespaceFor(kind, options)))].join(' or ');
}

function nameOf(resource: Manifest): string {
  return `${resource.kind.toLowerCase()}/${resource.metadata.namespace ?? ''}/${resource.metadata.name}`;
}

function rows(resources: readonly Manifest[], isWide: boolean): readonly (readonly string[])[] {
  const header = [
    'KIND',
    'NAMESPACE',
    'NAME',
    'READY',
    'SUSPENDED',
    'REVISION',
    ...(isWide ? ['SINCE'] : []),
    'MESSAGE',
  ];
  return [
    header,
    ...resources.map((resource) => {
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
    }),
  ];
}
