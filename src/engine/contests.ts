/**
 * Contests: somebody sets the same fields back each time that we heal them. Patience slows that down and ends nothing,
 * and two who write for ever help nobody: after a while we stop, and say who contends with whom.
 */
import { keyText } from '#model/object.ts';
import type { FieldOwner } from '#model/observed.ts';
import type { Contest, UnitState } from '#model/outcome.ts';
import type { Plan, Step } from '#model/plan.ts';
import { isDrift, ownerPhrase } from '#model/sentences.ts';

/**
 * A person who tries something out is corrected two or three times and then reads why. A controller that resyncs every
 * quarter of a minute is found out within two minutes; one that writes less often than every two minutes costs so
 * little that it may go on.
 */
const healsMax = 5;
const withinMs = 600_000;
/** What is kept of one heal: a contest is about few fields. */
const fieldsMax = 50;
const fieldsKeptMax = 10;
/** They are kept with the head of the UnitState. Beyond that, patience alone has to do. */
const contestsMax = 100;

/** What was healed of one object at one time, and from whom: by field and writer. */
export interface Heal {
  readonly atMs: number;
  readonly marks: ReadonlyMap<string, Mark>;
}
interface Mark {
  readonly path: string;
  readonly by: FieldOwner | undefined;
}

export function healOf({ changes }: Step, atMs: number): Heal {
  const marks = changes.slice(0, fieldsMax).map(({ path, owner }) => {
    const by = typeof owner === 'object' ? owner : undefined;
    return [`${path} ${ownerPhrase(by ?? 'unknown')}`, { path, by }] as const;
  });
  return { atMs, marks: new Map(marks) };
}

/** Those that still count. */
export function recentHeals(heals: readonly Heal[], nowMs: number): readonly Heal[] {
  return heals.filter(({ atMs }) => nowMs - atMs <= withinMs);
}

/** Contests that begin with this plan: what it would heal was healed often enough. Times of heals are monotonic. */
export function beginning(
  plan: Plan,
  healsOf: (key: string) => readonly Heal[],
  known: readonly Contest[],
  { monotonicMs, nowMs }: { readonly monotonicMs: number; readonly nowMs: number },
): readonly Contest[] {
  const contests = plan.steps.filter(isDrift).flatMap((step): readonly Contest[] => {
    const heals = recentHeals(healsOf(keyText(step.object)), monotonicMs);
    const now = [...healOf(step, monotonicMs).marks];
    const often = now.filter(([mark]) => heals.filter(({ marks }) => marks.has(mark)).length >= healsMax);
    const [first] = often;
    if (first === undefined) return [];
    const { by } = first[1];
    const of = often.filter(([, mark]) => ownerPhrase(mark.by ?? 'unknown') === ownerPhrase(by ?? 'unknown'));
    const fields = of.map(([, { path }]) => path).filter((path) => path !== '');
    return [
      {
        object: step.object,
        ...(by === undefined ? {} : { by }),
        fields: fields.slice(0, fieldsKeptMax),
        heals: healsMax,
        withinMs,
        sinceMs: nowMs,
      },
    ];
  });
  return contests.slice(0, Math.max(0, contestsMax - known.length));
}

/** What of the contests is left when such a plan is through: what it did not set right, and has not looked at. */
export function contestsAfter({ contests = [] }: UnitState, plan: Plan): readonly Contest[] {
  const open = new Set((plan.contested ?? []).map(({ ref }) => keyText(ref)));
  const stepped = new Set(plan.steps.map(({ object }) => keyText(object)));
  return contests.filter(({ object }) => {
    const key = keyText(object);
    return open.has(key) || (plan.isPartial === true && !stepped.has(key));
  });
}
