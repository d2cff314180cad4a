/** Every kind of step that a replica can take, and when it is never taken, with why. */
import type { Io, Phase, Sort } from './steps.ts';

export const phases: readonly Phase[] = ['start', 'run', 'quiet'];

export interface KnownStep {
  readonly io: Io;
  readonly verb: string;
  readonly sort: Sort;
  readonly never: Readonly<Partial<Record<Phase, string>>>;
}

const beforeTurns = 'it is part of a turn, and turns begin when everything has been read';
const onlyInRuns = 'objects are written by Runs alone';
const notAtStart = { start: beforeTurns };
const inRuns = { start: beforeTurns, quiet: onlyInRuns };

const request = (verb: string, sort: Sort, never: KnownStep['never'] = {}): KnownStep => ({
  io: 'request',
  verb,
  sort,
  never,
});
const watch = (sort: Sort, never: KnownStep['never'] = {}): KnownStep => ({
  io: 'watch',
  verb: 'watch',
  sort,
  never,
});

export const knownSteps: readonly KnownStep[] = [
  { io: 'git', verb: 'fetch', sort: 'none', never: notAtStart },
  { io: 'git', verb: 'read', sort: 'none', never: notAtStart },
  { io: 'render', verb: 'decode', sort: 'none', never: notAtStart },
  { io: 'render', verb: 'kustomize', sort: 'none', never: notAtStart },
  { io: 'store', verb: 'get', sort: 'none', never: notAtStart },
  { io: 'store', verb: 'put', sort: 'none', never: notAtStart },
  { io: 'store', verb: 'remove', sort: 'none', never: notAtStart },
  { io: 'store', verb: 'read', sort: 'record', never: {} },
  { io: 'store', verb: 'write', sort: 'record', never: {} },
  request('discover', 'discovery'),
  request('apply', 'object', inRuns),
  request('apply', 'secret', inRuns),
  request('delete', 'object', inRuns),
  request('delete', 'secret', inRuns),
  request('create', 'record', notAtStart),
  request('get', 'record', notAtStart),
  request('update', 'record', notAtStart),
  // Before a turn acts on a Unit whose record is gone, or was written by another replica.
  request('get', 'resource', notAtStart),
  request('patch', 'resource', notAtStart),
  request('list', 'object'),
  request('list', 'secret'),
  request('list', 'record'),
  request('list', 'resource'),
  request('list', 'lease'),
  request('page', 'object'),
  request('page', 'secret'),
  request('page', 'record'),
  request('page', 'resource'),
  request('page', 'lease'),
  request('page', 'definition', { start: 'definitions are looked at for kinds that a plan misses' }),
  request('list', 'definition', { start: 'definitions are looked at for kinds that a plan misses' }),
  request('create', 'lease'),
  request('get', 'lease'),
  request('patch', 'lease'),
  request('delete', 'lease'),
  watch('object'),
  watch('secret'),
  watch('record'),
  watch('resource'),
  watch('lease'),
  watch('definition', { start: 'definitions are looked at for kinds that a plan misses' }),
];
