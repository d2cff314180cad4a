/** `trueup events`: what the cluster's controllers said of a resource and of everything below it. */
import { isObject } from '#model/json.ts';
import { keyText, splitApiVersion, type Manifest } from '#model/object.ts';
import { table, type CommandPorts } from './command.ts';
import { textAt } from './applications.ts';
import { listResources, openResource, type ResourceOptions } from './resources.ts';
import { nodesOf, treeOf } from './tree.ts';

export interface EventsOptions extends ResourceOptions {
  readonly output: 'table' | 'json';
}

const eventKind = { group: '', version: 'v1', kind: 'Event' } as const;

/** Oldest first, as a log is read. */
export async function eventsCommand(
  words: readonly string[],
  options: EventsOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const refs = [...nodesOf(await treeOf(opened))].map(({ ref }) => ref);
  const keys = new Set(refs.map(keyText));
  // Events of objects without a namespace stand in the default one.
  const namespaces = new Set(refs.map(({ namespace }) => (namespace === '' ? 'default' : namespace)));
  const found: Manifest[] = [];
  for (const namespace of namespaces)
    found.push(...(await listResources(opened.cluster, eventKind, namespace)));
  const events = found
    .filter((event) => keys.has(involved(event)))
    .toSorted((a, b) => lastSeen(a).localeCompare(lastSeen(b)));
  if (options.output === 'json') ports.out(`${JSON.stringify(events, null, 2)}\n`);
  else if (events.length > 0)
    ports.out(table([['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'], ...events.map(cells)]));
  if (events.length === 0)
    ports.say(`no events of ${opened.ref.name} and its objects; the cluster keeps them for an hour\n`);
}

function involved(event: Manifest): string {
  const { group } = splitApiVersion(textAt(event, 'involvedObject', 'apiVersion'));
  const part = (member: string): string => textAt(event, 'involvedObject', member);
  return keyText({ group, kind: part('kind'), namespace: part('namespace'), name: part('name') });
}

function lastSeen(event: Manifest): string {
  const series = isObject(event['series']) ? textAt(event['series'], 'lastObservedTime') : '';
  return (
    series ||
    textAt(event, 'lastTimestamp') ||
    textAt(event, 'eventTime') ||
    textAt(event, 'metadata', 'creationTimestamp')
  );
}

function cells(event: Manifest): readonly string[] {
  const object = `${textAt(event, 'involvedObject', 'kind')}/${textAt(event, 'involvedObject', 'name')}`;
  const message = textAt(event, 'message').replaceAll('\n', ' ');
  return [lastSeen(event), textAt(event, 'type'), textAt(event, 'reason'), object, message];
}
