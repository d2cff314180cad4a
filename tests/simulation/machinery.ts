/**
 * One instance of the embedded cluster's module for all worlds of this process, and its answers: opening it takes a
 * second, and a write some milliseconds. What it answers depends on the request alone; chance and time are put in here.
 */
import {
  loadMachinery,
  openMachinery,
  type Machinery,
  type WriteRequest,
  type WriteResult,
} from '#embedded/machinery.ts';
import type { Stored } from '#embedded/objects.ts';
import { StatusError, type Status } from '#embedded/status.ts';
import { digestOf } from '#fields/digest.ts';
import { isObject, jsonText, parseJson } from '#model/json.ts';
import type { Clock, Random } from '#model/ports.ts';
import { Kept } from './kept.ts';
import { Placeholders, type Unread } from './placeholders.ts';
import { SeededRandom } from './random.ts';

export interface SharedMachinery {
  readonly machinery: Machinery;
  readonly answers: Kept<Answer>;
  /** From now on it lives in this world. */
  use(clock: Clock, random: Random): void;
  /** Whether each request is answered as it stands: to see that it makes no difference. */
  answerPlainly(isPlain: boolean): void;
}
type Answer =
  | { readonly result: WriteResult }
  | { readonly status: Status; readonly warnings: readonly string[] };

/** Each takes some 20 kB. */
const answersMax = 20_000;
let shared: Promise<SharedMachinery> | undefined;

export function sharedMachinery(): Promise<SharedMachinery> {
  shared ??= open();
  return shared;
}

async function open(): Promise<SharedMachinery> {
  let clock: Clock = { now: () => 1, monotonic: () => 1 };
  let random: Random = new SeededRandom('');
  let nowMs = 1;
  let isPlain = false;
  // Go's runtime does not start at zero.
  const frozen: Clock = { now: () => nowMs, monotonic: () => 1 };
  const machinery = openMachinery(await loadMachinery(), frozen, new SeededRandom('the module'));
  const answers = new Kept<Answer>(answersMax);

  const write = (request: WriteRequest): WriteResult => {
    const named = withName(request, random);
    // A JSON patch has texts of which only the path says what they are.
    const written = isPlain || named.verb === 'json' ? plainly(named) : known(named);
    return written.created ? withUid(written, random) : written;
  };
  const plainly = (request: WriteRequest): WriteResult => {
    nowMs = clock.now();
    return machinery.write(request);
  };
  const known = (named: WriteRequest): WriteResult => {
    const live = named.live as unknown;
    const read = withoutOwnVersion(named, bodyOf(named.body));
    const places = new Placeholders(live, read, clock.now(), unreadOf(named.resource));
    const hidden = {
      ...named,
      namespace: places.hideName(named.namespace),
      name: places.hideName(named.name),
      live: live === undefined ? undefined : (places.hide(live) as Stored),
      body: read === undefined ? named.body : jsonText(places.hideBody(read)),
    };
    const { resource, ...rest } = hidden;
    const key = digestOf(jsonText([resource.group, resource.version, resource.kind, rest, places.nowMs]));
    const answer = answers.get(key, () => {
      nowMs = places.nowMs;
      return answerTo(() => machinery.write(hidden));
    });
    if ('status' in answer)
      throw new StatusError(
        places.showRefusal(answer.status) as Status,
        places.showRefusal(answer.warnings) as readonly string[],
      );
    return { ...answer.result, object: places.show(answer.result.object) as Stored };
  };
  return {
    machinery: { ...withKnownDefinitions(machinery), write },
    answers,
    use: (newClock, newRandom) => {
      clock = newClock;
      random = newRandom;
    },
    answerPlainly: (wanted) => {
      isPlain = wanted;
    },
  };
}

function answerTo(call: () => WriteResult): Answer {
  try {
    return { result: call() };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { status: error.status, warnings: error.warnings };
  }
}

const opaqueGroups = new Set([
  'trueup.dev',
  'argoproj.io',
  'kustomize.toolkit.fluxcd.io',
  'source.toolkit.fluxcd.io',
]);

const isNotKnown = (member: string): boolean => !['apiVersion', 'kind', 'metadata'].includes(member);
/** Our own records, and what either dialect's kinds carry: their schemas ask for types, and for no format but that of times. */
const carried: Unread = { isOpaque: isNotKnown, texts: [] };
const unreadKinds: Readonly<Record<string, Unread>> = {
  '/configmaps': { isOpaque: () => false, texts: ['data'] },
  '/events': { isOpaque: (member) => member === 'message', texts: [] },
  '/pods': { isOpaque: () => false, texts: [] },
  'batch/jobs': { isOpaque: () => false, texts: [] },
  'coordination.k8s.io/leases': { isOpaque: () => false, texts: ['spec'] },
  'discovery.k8s.io/endpointslices': { isOpaque: () => false, texts: [] },
};

const unreadOf = ({ group, name }: WriteRequest['resource']): Unread | undefined =>
  opaqueGroups.has(group) ? carried : unreadKinds[`${group}/${name}`];

/** A patch that asks for the version that is there does what the same without a version does. */
function withoutOwnVersion({ verb, live }: WriteRequest, body: unknown): unknown {
  if (verb !== 'merge' || live === undefined || !isObject(body) || !isObject(body['metadata'])) return body;
  const { resourceVersion, ...metadata } = body['metadata'];
  if (resourceVersion !== live.metadata.resourceVersion) return body;
  const { metadata: _, ...rest } = body;
  return Object.keys(metadata).length === 0 ? rest : { ...rest, metadata };
}

function bodyOf(body: string): unknown {
  if (!/^\s*[[{]/.test(body)) return undefined;
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

/** As the API server makes names up, but from the world's own chance. */
function withName(request: WriteRequest, random: Random): WriteRequest {
  if (request.verb !== 'create' || !request.body.includes('"generateName"')) return request;
  const body = bodyOf(request.body);
  if (!isObject(body) || !isObject(body['metadata'])) return request;
  const { name = '', generateName } = body['metadata'];
  if (name !== '' || typeof generateName !== 'string') return request;
  const suffix = Array.from(
    { length: 5 },
    () => suffixLetters[Math.floor(random.next() * suffixLetters.length)],
  );
  const metadata = { ...body['metadata'], name: `${generateName.slice(0, 58)}${suffix.join('')}` };
  return { ...request, body: jsonText({ ...body, metadata }) };
}

function withUid(result: WriteResult, random: Random): WriteResult {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = bytes.toString('hex');
  const uid = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
  const { uid: made } = result.object.metadata;
  // A Job's selector and labels have it as well.
  const text = jsonText(result.object).replaceAll(made, uid);
  return { ...result, object: parseJson(text) as unknown as Stored };
}

/** A definition that stands as it is wanted is not made again: each world begins with the same ones. */
function withKnownDefinitions(machinery: Machinery): Machinery {
  const known = new Map<
    string,
    { readonly text: string; readonly schemas: ReturnType<Machinery['define']> }
  >();
  const keyOf = (group: string, kind: string): string => `${group}/${kind}`;
  return {
    ...machinery,
    define: (definition) => {
      const { group, names } = definition['spec'] as unknown as { group: string; names: { kind: string } };
      const key = keyOf(group, names.kind);
      const text = jsonText(definition['spec']);
      const before = known.get(key);
      if (before?.text === text) return before.schemas;
      const schemas = machinery.define(definition);
      known.set(key, { text, schemas });
      return schemas;
    },
    undefine: (group, kind) => {
      known.delete(keyOf(group, kind));
      machinery.undefine(group, kind);
    },
  };
}
