/** What the engine remembers of a Unit between turns. All of it can be made again; what must last is in UnitState. */
import { insteadOf, type Located } from '#pipeline/source/locate.ts';
import type { RunView } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import { keyText, type ObjectRef } from '#model/object.ts';
import type { Sighting } from '#model/observed.ts';
import type { HealthReport, UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import type { RemoteSource } from '#model/rendered.ts';
import type { Input, SourceSpec, Unit } from '#model/unit.ts';
import { polledRemotes } from '#pipeline/source/remotes.ts';
import type { Heal } from './contests.ts';
import { Stir } from './stir.ts';
import type { Reads } from './resource-cache.ts';
import { sightSignature } from './signatures.ts';

export interface Retrying {
  /** The inputs that failed: others start afresh. */
  readonly inputs: Digest;
  readonly generation: string;
  readonly attempts: number;
  /** On the monotonic clock. */
  readonly notBeforeMs: number;
  /** Somebody ended the operation: what is tried after that is another one. */
  readonly isEnded?: true;
}

export interface Asking {
  /** The wish: another one starts afresh. */
  readonly request: string;
  /** When its first attempt began, in milliseconds since 1970. */
  readonly begunAtMs: number;
  readonly attempts: number;
  /** On the monotonic clock. */
  readonly notBeforeMs: number;
}

export interface UnitRuntime {
  unit: Unit;
  /** Told of everything that would make another turn while one is under way. */
  readonly news: Stir;
  reads: Reads;
  located: Located | undefined;
  /** Other repositories that its files name, and that can move; undefined until a turn has asked its record. */
  remotes: readonly RemoteSource[] | undefined;
  plan: Plan | undefined;
  health: HealthReport | undefined;
  failures: readonly Failure[];
  run: RunView | undefined;
  /** Why the last Run failed, until one succeeds or other inputs are tried. */
  runFailures: readonly Failure[];
  retrying: Retrying | undefined;
  /** When the automated operation that failed last goes on, in milliseconds since 1970; undefined where it is over. */
  nextAttemptMs: number | undefined;
  /** Attempts at what a person asks for, where they asked for several. */
  asking: Asking | undefined;
  /** Heals per object, so that a tool that fights us is met with growing patience. Times are monotonic. */
  readonly heals: Map<
    string,
    { readonly count: number; readonly lastMs: number; readonly heals: readonly Heal[] }
  >;
  /** By key text: what a heal of its own failed at. */
  readonly unhealed: Set<string>;
  /** Of the timer that wakes a Run that waits, when patience with somebody ends. */
  cancelHealLook: () => void;
  /** The request or refresh for which patience began anew. */
  wish: string | undefined;
  /** Objects that changed since the turn began, by key text: what a Run that waits looks at. */
  readonly stirred: Map<string, ObjectRef>;
  /** How each object looked when it was last compared: a change that is none makes no turn. */
  readonly seen: Map<string, string>;
  /** When the commits that it wants now were first seen, in milliseconds since 1970. */
  seenAtMs: ReadonlyMap<string, number>;
  /** By key text: the projections that are in sync under these ignore rules, though they differ from what was applied. */
  tolerated: { readonly rules: string; readonly projections: ReadonlyMap<string, Digest> };
  /** Runs that were stale in a row. */
  stale: number;
  answered: { request: boolean; refresh: boolean };
  /** Looks in a row that found something in the way that may come right by itself. */
  looks: number;
  waitingFor: string | undefined;
  /** Since when it is applied and not well, on the monotonic clock. */
  unwellSinceMs: number | undefined;
  /** What those that depend on it were told last. */
  told: string | undefined;
  /** Its status as this replica left it, where there are others. */
  published: { readonly version: bigint; readonly status: string } | undefined;
  /** Why it is only looked at, if it is. */
  observing: string | undefined;
  looked: boolean;
  /** The resource that declares it is gone, or no longer reconciled: what is under way for it ends. */
  hasLeft: boolean;
  /** It is this replica's to look after, as far as was known last. */
  isOwn: boolean;
  /** Until when creations that nobody waits for may still be carried out, on the monotonic clock. */
  landsAtMs: number | undefined;
  /** It had a state that was kept. */
  wasRecorded: boolean;
  /** When a turn was taken, or is to be, because the cluster answers a template otherwise; monotonic. */
  answersAtMs: number;
}

/**
 * The repositories that a Unit has polled: its sources, what a person asks for instead, and those that its files named
 * when it was rendered last.
 */
export function polledSources(
  { unit, remotes, located }: UnitRuntime,
  recorded: UnitState['read'],
): readonly SourceSpec[] {
  const named = remotes ?? remotesOf(recorded);
  const asked = insteadOf(unit, unit.request?.revisions ?? []);
  return unit.inputs.flatMap((input, index) => {
    const { source } = input;
    const ref = asked[index];
    const instead = ref === undefined ? [] : [{ ...source, ref }];
    const said = named.length === 0 ? input : lastSaid(input, located?.inputs[index]?.input);
    return [source, ...instead, ...polledRemotes(unit, said, named)];
  });
}

/** Files beside the manifests may say how it is rendered; what they said last holds until its source says otherwise. */
function lastSaid(input: Input, last: Input | undefined): Input {
  if (last?.overrides === undefined || input.overrides === undefined) return input;
  const isSame = canonicalJson(last.overrides.of) === canonicalJson(input.overrides.of);
  return isSame ? { ...input, render: last.render } : input;
}

export function remotesOf(read: UnitState['read']): readonly RemoteSource[] {
  return (read ?? []).flatMap(({ remotes = [] }) => remotes);
}

/** What a turn has looked at is no news when the watch tells of it. */
export function noteSeen(runtime: UnitRuntime, sightings: ReadonlyMap<string, Sighting>): void {
  for (const [key, sighting] of sightings) {
    if (sighting.state === 'present') runtime.seen.set(key, sightSignature(sighting.object));
    else if (sighting.state === 'absent') runtime.seen.set(key, sightSignature(undefined));
  }
}

export function newRuntime(unit: Unit, reads: Reads): UnitRuntime {
  return {
    unit,
    news: new Stir(),
    reads,
    located: undefined,
    remotes: undefined,
    plan: undefined,
    health: undefined,
    failures: [],
    run: undefined,
    runFailures: [],
    retrying: undefined,
    nextAttemptMs: undefined,
    asking: undefined,
    heals: new Map(),
    unhealed: new Set(),
    cancelHealLook: () => undefined,
    wish: undefined,
    stirred: new Map(),
    seen: new Map(),
    seenAtMs: new Map(),
    tolerated: { rules: '', projections: new Map() },
    stale: 0,
    answered: { request: false, refresh: false },
    looks: 0,
    waitingFor: undefined,
    unwellSinceMs: undefined,
    told: undefined,
    observing: undefined,
    looked: false,
    hasLeft: false,
    isOwn: false,
    landsAtMs: undefined,
    published: undefined,
    wasRecorded: false,
    answersAtMs: -Infinity,
  };
}

/** As long as the rules are the same. */
export function toleratedBy({ unit, tolerated }: UnitRuntime): ReadonlyMap<string, Digest> {
  return tolerated.rules === canonicalJson(unit.ignores ?? []) ? tolerated.projections : new Map();
}

export function noteTolerated(runtime: UnitRuntime, plan: Plan): void {
  const rules = canonicalJson(runtime.unit.ignores ?? []);
  const added = (plan.tolerated ?? []).map(({ ref, projection }) => [keyText(ref), projection] as const);
  runtime.tolerated = { rules, projections: new Map([...toleratedBy(runtime), ...added]) };
}
