/** The options of a request, from its query or its body, refused where the API server refuses them. */
import { jsonText } from '#model/json.ts';
import type { DeleteOptions, Propagation, WriteOptions } from './api.ts';
import { parsedBody } from './body.ts';
import { valueAt } from './objects.ts';
import type { Resource, Subresource } from './resources.ts';
import { badRequest, expired, invalid, tooLargeVersion, type Cause } from './status.ts';

/** As the API server reads a truth: whatever is given is one, but for `false` and `0`. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && !['false', '0'].includes(value.toLowerCase());
}

export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${jsonText(text)}: invalid syntax`);
  return Number(text);
}

const cause = (field: string, reason: string, message: string): Cause => ({ field, reason, message });
const forbidden = (field: string, why: string): Cause =>
  cause(field, 'FieldValueForbidden', `Forbidden: ${why}`);
const unsupported = (field: string, value: unknown, supported: readonly string[]): Cause =>
  cause(
    field,
    'FieldValueNotSupported',
    `Unsupported value: ${jsonText(value)}: supported values: ${supported.map((known) => jsonText(known)).join(', ')}`,
  );

/** Throws for what is wrong with the options of one kind, which are named as the API server names them. */
function check(kind: string, causes: readonly (Cause | undefined)[]): void {
  const found = causes.filter((each) => each !== undefined);
  if (found.length > 0) throw invalid({ group: 'meta.k8s.io', name: kind }, `${kind}.meta.k8s.io`, '', found);
}

export interface ListOptions {
  readonly limit: number;
  /** Empty: from the beginning. */
  readonly token: string;
  readonly isSelective: boolean;
}

/** Of a list; `current` is the version of the store. */
export function listOptions(query: URLSearchParams, current: number): ListOptions {
  const limit = wholeNumber(query, 'limit') ?? 0;
  const token = query.get('continue') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  check('ListOptions', [
    ...matchProblems(match, version),
    match !== '' && token !== ''
      ? forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')
      : undefined,
    query.has('sendInitialEvents')
      ? forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')
      : undefined,
  ]);
  if (token !== '' && version !== '' && version !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  checkVersion(version, current);
  if (match === 'Exact' && Number(version) !== current)
    throw expired(`The resourceVersion for the provided list is too old: only ${current} is kept.`);
  const isSelective = ['labelSelector', 'fieldSelector'].some((name) => (query.get(name) ?? '') !== '');
  return { limit, token, isSelective };
}

function matchProblems(match: string, version: string): readonly (Cause | undefined)[] {
  const field = 'resourceVersionMatch';
  if (match === '') return [];
  return [
    version === ''
      ? forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided')
      : undefined,
    ['Exact', 'NotOlderThan'].includes(match)
      ? undefined
      : unsupported(field, match, ['Exact', 'NotOlderThan', '']),
    match === 'Exact' && version === '0'
      ? forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
      : undefined,
  ];
}

/** Of a read that may be as old as a version, and not older. */
export function checkVersion(version: string, current: number): void {
  if (version !== '' && !/^\d+$/.test(version))
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${jsonText(version)}: strconv.ParseUint: parsing ${jsonText(version)}: invalid syntax`,
    );
  if (Number(version) > current) throw tooLargeVersion(version, current);
}

export interface WatchOptions {
  readonly version: string;
  readonly sendInitialEvents: boolean;
  readonly bookmarks: boolean;
  /** Undefined: as long as watches last. */
  readonly timeoutMs: number | undefined;
}

/** A version that is still to come is no mistake in a watch: it waits for what is later than that. */
export function watchOptions(query: URLSearchParams): WatchOptions {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const isInitial = query.has('sendInitialEvents');
  const field = 'resourceVersionMatch';
  check('ListOptions', [
    isInitial && match !== 'NotOlderThan'
      ? forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
      : undefined,
    !isInitial && match !== ''
      ? forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
      : undefined,
  ]);
  checkVersion(version, Number.POSITIVE_INFINITY);
  const seconds = wholeNumber(query, 'timeoutSeconds') ?? 0;
  return {
    version,
    sendInitialEvents: isTrue(query, 'sendInitialEvents'),
    bookmarks: isTrue(query, 'allowWatchBookmarks'),
    timeoutMs: seconds > 0 ? seconds * 1000 : undefined,
  };
}

const managerCharsMax = 128;
const validations = ['', 'Ignore', 'Strict', 'Warn'];

export type WriteKind = 'create' | 'update' | 'patch' | 'apply';
const optionsKinds: Readonly<Record<WriteKind, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  apply: 'PatchOptions',
};

export function writeOptions(
  { query, userAgent }: { readonly query: URLSearchParams; readonly userAgent: string },
  kind: WriteKind,
  subresource?: Subresource,
): WriteOptions {
  const named = query.get('fieldManager') ?? '';
  const validation = query.get('fieldValidation') ?? '';
  const dryRun = query.getAll('dryRun');
  const isPatch = kind === 'patch' || kind === 'apply';
  check(optionsKinds[kind], [
    isPatch && kind !== 'apply' && query.has('force')
      ? forbidden('force', 'may not be specified for non-apply patch')
      : undefined,
    kind === 'apply' && named === ''
      ? cause('fieldManager', 'FieldValueRequired', 'Required value: is required for apply patch')
      : undefined,
    Buffer.byteLength(named) > managerCharsMax
      ? cause('fieldManager', 'FieldValueTooLong', `Too long: may not be more than ${managerCharsMax} bytes`)
      : undefined,
    dryRunProblem(dryRun),
    validations.includes(validation) ? undefined : unsupported('fieldValidation', validation, validations),
  ]);
  return {
    manager: named !== '' ? named : userAgent.split('/')[0]!.slice(0, managerCharsMax),
    force: isTrue(query, 'force'),
    dryRun: dryRun.includes('All'),
    ...(subresource === undefined ? {} : { subresource }),
    ...(validation === '' ? {} : { fieldValidation: validation }),
  };
}

const dryRunProblem = (given: readonly unknown[]): Cause | undefined =>
  given.every((value) => value === 'All') ? undefined : unsupported('dryRun', given, ['All']);

const propagations: readonly unknown[] = ['Foreground', 'Background', 'Orphan'];

interface AskedToDelete {
  readonly query: URLSearchParams;
  readonly body: string;
}

/** Where there is a body it says everything: the query is not read then. */
export function deleteOptions({ group, name }: Resource, { query, body }: AskedToDelete): DeleteOptions {
  return body === ''
    ? fromGiven({ group, name }, inQuery(query))
    : fromGiven({ group, name }, parsedBody(body));
}

function inQuery(query: URLSearchParams): object {
  return {
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
    orphanDependents: query.has('orphanDependents') ? isTrue(query, 'orphanDependents') : undefined,
    gracePeriodSeconds: wholeNumber(query, 'gracePeriodSeconds'),
    dryRun: query.getAll('dryRun'),
  };
}

/** As they stand in a body, or below `deleteOptions` in an Eviction. */
export function fromGiven({ group, name }: Pick<Resource, 'group' | 'name'>, given: unknown): DeleteOptions {
  const member = (...path: readonly string[]): unknown => valueAt(given, path) ?? undefined;
  const policy = member('propagationPolicy');
  const orphan = member('orphanDependents');
  const grace = member('gracePeriodSeconds');
  const dryRun = member('dryRun') ?? [];
  if (grace !== undefined && !Number.isSafeInteger(grace))
    throw badRequest(`DeleteOptions.gracePeriodSeconds is a whole number of seconds, not ${jsonText(grace)}`);
  check('DeleteOptions', [
    policy !== undefined && orphan !== undefined
      ? cause(
          'propagationPolicy',
          'FieldValueInvalid',
          `Invalid value: ${jsonText(policy)}: orphanDependents and deletionPropagation cannot be both set`,
        )
      : undefined,
    policy === undefined || propagations.includes(policy)
      ? undefined
      : unsupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']),
    dryRunProblem(Array.isArray(dryRun) ? dryRun : [dryRun]),
  ]);
  const uid = member('preconditions', 'uid');
  const version = member('preconditions', 'resourceVersion');
  // Jobs are the one kind whose dependents stay unless the request says otherwise.
  const byDefault = group === 'batch' && name === 'jobs' ? 'Orphan' : undefined;
  const propagation = (policy ?? (orphan === true ? 'Orphan' : byDefault)) as Propagation | undefined;
  return {
    ...(propagation === undefined ? {} : { propagation }),
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof version === 'string' ? { resourceVersion: version } : {}),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace as number }),
    dryRun: Array.isArray(dryRun) && dryRun.length > 0,
  };
}

/** Of an access to a ServiceAccount, as the API server bounds it. */
export function lifetimeMs(review: unknown): number | undefined {
  const seconds = valueAt(review, ['spec', 'expirationSeconds']) ?? undefined;
  if (seconds === undefined) return undefined;
  const problem =
    typeof seconds !== 'number' || seconds < 600
      ? 'may not specify a duration less than 10 minutes'
      : seconds > 2 ** 32
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem === undefined) return (seconds as number) * 1000;
  const what = cause(
    'spec.expirationSeconds',
    'FieldValueInvalid',
    `Invalid value: ${jsonText(seconds)}: ${problem}`,
  );
  throw invalid(
    { group: 'authentication.k8s.io', name: 'TokenRequest' },
    'TokenRequest.authentication.k8s.io',
    '',
    [what],
  );
}
