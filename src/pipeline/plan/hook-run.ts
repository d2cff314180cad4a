/** Which sync a hook's object belongs to: its mark, its name, and what is recorded of it. */
import { keyText, type Manifest, type ObjectRef } from '#model/object.ts';
import type { ObservedObject } from '#model/observed.ts';
import type { BegunHook, HookRun, RanHook, UnitState } from '#model/outcome.ts';
import type { Digest } from '#model/json.ts';
import type { Phase } from '#model/unit.ts';

/** An annotation of hooks alone: the attempt that made the object. */
export const runMark = 'trueup.dev/hook-run';

/** The Run whose hooks go on, if what is recorded is a sync of these inputs that has not ended. */
export function openRun(state: UnitState | undefined, inputs: Digest): HookRun | undefined {
  const run = state?.hooks;
  const isOpen =
    run?.inputs === inputs && run.failed !== true && run.begun.every(({ result }) => result !== 'failed');
  return isOpen ? run : undefined;
}

/** The mark of the next Run's hooks: the same after a crash, another one for each attempt. */
export function runIdFor(state: UnitState | undefined, inputs: Digest): string {
  return openRun(state, inputs)?.id ?? `${inputs.slice(7, 14)}-${(state?.epoch ?? 0) + 1}`;
}

/** What is recorded when a Run with these hooks begins; what an attempt that did not end has made still stands. */
export function beginRun(
  state: UnitState,
  inputs: Digest,
  id: string,
): Pick<UnitState, 'hooks' | 'ranHooks'> {
  const open = openRun(state, inputs);
  if (open !== undefined) {
    // They are sent again, and the first request may land last.
    const begun = open.begun.filter(({ uid }) => uid === undefined);
    return { hooks: open, ...ranHooks({ ...state, hooks: { ...open, begun } }) };
  }
  const earlier = [...(state.hooks?.earlier ?? []), ...(state.hooks?.begun ?? [])].filter(
    ({ uid, result }) => uid !== undefined && result === undefined,
  );
  return { hooks: { id, inputs, begun: [], earlier: earlier.slice(-earlierMax) }, ...ranHooks(state) };
}
const earlierMax = 50;

/** With what became known of one hook. */
export function withHook(run: HookRun, hook: BegunHook): HookRun {
  return { ...run, begun: [...run.begun.filter(({ key }) => key !== hook.key), hook] };
}

/**
 * The hooks that may stand when the Run is over; of many, the last. Of one whose creation was not answered each attempt
 * counts: the request of an earlier one may land after that of the next, and puts its mark there.
 */
export function ranHooks({ hooks, ranHooks: before = [] }: UnitState): Pick<UnitState, 'ranHooks'> {
  const known = ({ ref, uid }: BegunHook): RanHook => ({ ref, ...(uid === undefined ? {} : { uid }) });
  const earlier = (hooks?.earlier ?? []).map(known);
  const begun = (hooks?.begun ?? []).map((hook) => ({ ...known(hook), mark: hooks!.id }));
  const keyOf = ({ ref, uid, mark = '' }: RanHook): string => uid ?? `${keyText(ref)} ${mark}`;
  // What is known already of those of earlier syncs has their marks too.
  const all = new Map([...earlier, ...before, ...begun].map((hook) => [keyOf(hook), hook]));
  return all.size === 0 ? {} : { ranHooks: [...all.values()].slice(-ranMax) };
}
const ranMax = 200;

/** Whether the object that stands there is that of such a hook. */
export function isRanHook(hook: RanHook, ref: ObjectRef, { uid, tracking }: ObservedObject): boolean {
  if (hook.uid === uid) return true;
  return hook.mark !== undefined && hook.mark === tracking[runMark] && keyText(hook.ref) === keyText(ref);
}

export function hookKey(phase: Phase, ref: ObjectRef, { generateName }: Manifest['metadata']): string {
  const name = ref.name === '' ? `${String(generateName)}*` : ref.name;
  return `${phase}:${keyText({ ...ref, name })}`;
}

const nameLengthMax = 63;
/** Deterministic: an attempt that is resumed finds what it made. */
export function runName({ generateName }: Manifest['metadata'], phase: Phase, hookRun: string): string {
  const suffix = `${phase}-${hookRun}`;
  return `${String(generateName).slice(0, nameLengthMax - suffix.length)}${suffix}`;
}
