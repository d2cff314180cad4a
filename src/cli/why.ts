/** `trueup why`: what a resource waits for, in one sentence, and the chain below it. */
import { isObject } from '#model/json.ts';
import { describe, keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { conditionsOf, standingOf, textAt } from './applications.ts';
import { readState } from './history.ts';
import type { CommandPorts } from './command.ts';
import { readDeclarations, type Declarations } from './declarations.ts';
import {
  openResource,
  resourceStanding,
  skipAnnotation,
  wordsOf,
  type Opened,
  type ResourceOptions,
} from './resources.ts';
import { observe } from '#pipeline/pipeline.ts';

export interface WhyOptions extends ResourceOptions {
  readonly output: 'table' | 'json';
}

/** One link: the object, and what it waits for. */
export interface Reason {
  readonly object: ObjectRef;
  readonly sentence: string;
}

/** Links beyond this are a circle, or nobody reads them. */
const linksMax = 20;

export async function whyCommand(
  words: readonly string[],
  options: WhyOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(words, options, ports);
  const declarations = await readDeclarations(opened.cluster, opened.controlNamespace, ports);
  const chain = await chainOf(opened, opened.resource, declarations, new Set());
  if (options.output === 'json') {
    ports.out(`${JSON.stringify(chain, null, 2)}\n`);
    return;
  }
  const lines = chain.map(
    ({ object, sentence }, index) =>
      `${index === 0 ? '' : `${'  '.repeat(index)}← `}${describe(object)}: ${sentence}\n`,
  );
  ports.out(lines.join(''));
}

/** A dependency's own reasons come behind it; each object is looked at once. */
async function chainOf(
  opened: Opened,
  resource: Manifest,
  declarations: Declarations,
  seen: Set<string>,
): Promise<readonly Reason[]> {
  const ref = refOf(resource);
  seen.add(keyText(ref));
  const own = (sentence: string): Reason => ({ object: ref, sentence });
  const first = firstReason(opened, resource, declarations);
  if (first !== undefined) return [own(first)];
  if (declarations.sourceOf(resource) !== undefined) return [own(sourceReason(resource))];
  for (const key of declarations.unitOf(resource).dependsOn) {
    const on: ObjectRef = { ...ref, ...key };
    const found = await opened.cluster.read(on);
    if (found.ok && found.value !== undefined && resourceStanding(found.value).ready === 'True') continue;
    const sentence = own(`waits for ${describe(on)}, on which it depends`);
    if (seen.has(keyText(on)) || seen.size >= linksMax)
      return [sentence, { object: on, sentence: 'depends on it in a circle' }];
    if (!found.ok || found.value === undefined) return [sentence, { object: on, sentence: 'is not there' }];
    return [sentence, ...(await chainOf(opened, found.value, declarations, seen))];
  }
  const last = lastReason(resource);
  return [
    own(last),
    ...(resourceStanding(resource).ready === 'True' ? [] : await unhealthyObjects(opened, resource)),
  ];
}

/** What stands before everything else: it is not ours to act on, or was refused or stopped. */
function firstReason(
  { controlNamespace }: Opened,
  resource: Manifest,
  declarations: Declarations,
): string | undefined {
  const observed = declarations.observed(resource);
  if (observed !== undefined) return observed;
  const refused = refusedOf(resource, declarations);
  if (refused !== undefined) return failureLine(refused);
  if (!resourceStanding(resource).isSuspended) return undefined;
  const why = resource.metadata.annotations?.['trueup.dev/suspended'];
  const how =
    resource.metadata.annotations?.[skipAnnotation] === 'true'
      ? `annotation ${skipAnnotation}`
      : 'spec.suspend';
  const words = wordsOf({ ref: refOf(resource), controlNamespace });
  return `is suspended (${how})${why === undefined ? '' : `: ${why}`}; trueup resume ${words} goes on`;
}

function refusedOf(resource: Manifest, declarations: Declarations): Failure | undefined {
  const source = declarations.sourceOf(resource);
  return source === undefined ? declarations.unitOf(resource).unsupported[0] : source.refused[0];
}

/** Conditions of an Application that stop nothing. */
const informative = new Set(['Warning', 'Drift', 'Kept', 'Waiting', 'Released']);

const isFine = 'waits for nothing: what Git says is applied, and it is healthy';
const notLookedAt = 'was not looked at yet; does trueup start run for its namespace?';

function sourceReason(resource: Manifest): string {
  const { ready, message } = resourceStanding(resource);
  if (ready === 'True') return `waits for nothing: ${message}`;
  if (message === '') return notLookedAt;
  return ready === 'False' ? `cannot go on: ${message}` : `is under way: ${message}`;
}

/** Of a kind that says how it is with a `Ready` condition. */
function readyReason(resource: Manifest): string {
  const { ready, message } = resourceStanding(resource);
  const condition = (wanted: string) => conditionsOf(resource).find(({ type }) => type === wanted);
  if (ready === 'True') return isFine;
  if (condition('Ready')?.reason === 'Held') return `waits for a decision: ${message}`;
  if (condition('Stalled') !== undefined) return `cannot go on: ${message}`;
  // It says so only of what is applied.
  if (condition('Healthy') !== undefined) return `is applied, and waits for health: ${message}`;
  return ready === 'False' ? `cannot go on: ${message}` : `is under way: ${message}`;
}

function lastReason(resource: Manifest): string {
  if (conditionsOf(resource).some(({ type }) => type === 'Ready')) return readyReason(resource);
  const { ready, message } = resourceStanding(resource);
  const { sync, health, phase, message: operation } = standingOf(resource);
  const conditions = conditionsOf(resource);
  const [error] = conditions.filter(({ type }) => !informative.has(type));
  const messageOf = (wanted: string): string | undefined =>
    conditions.find(({ type }) => type === wanted)?.message;
  if (ready === 'True') return isFine;
  if (phase === 'Running') return `is being synced: ${operation}`;
  if (error !== undefined)
    return `${error.type === 'Held' ? 'waits for a decision' : 'cannot go on'}: ${error.message}`;
  if (isObject(resource['operation']))
    return 'waits for a running trueup start: nobody has taken up the sync that was asked for';
  const waiting = messageOf('Waiting');
  if (waiting !== undefined)
    return `waits: ${waiting}${messageOf('Drift') === undefined ? '' : `; drift: ${messageOf('Drift')}`}`;
  const kept = messageOf('Kept');
  if (kept !== undefined) return `is OutOfSync because of what Git does not have: ${kept}`;
  if (sync === 'Synced' && health !== 'Healthy') {
    const why = textAt(resource, 'status', 'health', 'message');
    return `is applied, and waits for health: ${health}${why === '' ? '' : `: ${why}`}`;
  }
  if (message !== '') return message;
  return notLookedAt;
}

/** The objects that are not healthy, each with its own word. */
async function unhealthyObjects({ cluster }: Opened, resource: Manifest): Promise<readonly Reason[]> {
  const inventory = (await readState(cluster, resource))?.inventory.map(({ ref }) => ref) ?? [];
  const sightings = await observe(inventory, cluster);
  return inventory
    .flatMap((object): readonly Reason[] => {
      const sighting = sightings.get(keyText(object));
      if (sighting?.state === 'absent') return [{ object, sentence: 'is not in the cluster' }];
      if (sighting?.state !== 'present' || sighting.object.health.status === 'Healthy') return [];
      const { status, message } = sighting.object.health;
      return [{ object, sentence: `is ${status}${message === undefined ? '' : `: ${message}`}` }];
    })
    .slice(0, linksMax);
}
