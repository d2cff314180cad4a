/**
 * Finalizers of an Application: each is one stage of its end. Those of hooks come in pairs, since
 * Argo CD deletes the objects of hooks in a step of its own. Source: Argo CD's pages on deletion and on sync phases.
 */
import type { TornDown } from '#model/dialect.ts';
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { DeletionPhase, Unit } from '#model/unit.ts';

const cascadeFinalizer = 'resources-finalizer.argocd.argoproj.io';
const hookFinalizers: Readonly<Record<DeletionPhase, string>> = {
  'pre-delete': 'pre-delete-finalizer.argocd.argoproj.io',
  'post-delete': 'post-delete-finalizer.argocd.argoproj.io',
};
const phases = Object.keys(hookFinalizers) as readonly DeletionPhase[];

type Stage = Exclude<TornDown, false>;
const stages: readonly Stage[] = ['pre-delete', 'objects', 'post-delete'];

function finalizersOf({ metadata }: Manifest): readonly string[] {
  return (metadata['finalizers'] ?? []) as readonly string[];
}

/** With what comes behind a slash, as in `…/cleanup` and `…/background`. */
function isOf(finalizer: string, stage: Stage): boolean {
  const name = stage === 'objects' ? cascadeFinalizer : hookFinalizers[stage];
  return finalizer === name || finalizer.startsWith(`${name}/`);
}

/** The first stage that is not over. */
export function teardownOf(resource: Manifest): Unit['teardown'] {
  if (resource.metadata['deletionTimestamp'] === undefined) return undefined;
  const finalizers = finalizersOf(resource);
  const stage = stages.find((one) => finalizers.some((name) => isOf(name, one)));
  if (stage === undefined) return undefined;
  const cascade = finalizers.find((name) => isOf(name, 'objects'));
  const propagation = cascade?.endsWith('/background') === true ? 'Background' : 'Foreground';
  if (stage === 'objects') return { propagation };
  const without = `take the finalizers ${hookFinalizers[stage]}… off the Application ${resource.metadata.name}`;
  // Argo CD has run them, and left the rest to us.
  const haveRun = !finalizers.includes(hookFinalizers[stage]);
  return { propagation, hooks: { phase: stage, without, ...(haveRun ? { haveRun } : {}) } };
}

/** Takes those of a stage off that is over. */
export function withoutStage(resource: Manifest, stage: Stage): JsonObject {
  return patched(
    resource,
    finalizersOf(resource).filter((name) => !isOf(name, stage)),
  );
}

/** As Argo CD has them while an Application has hooks for its end: without them nobody would wait for the hooks. */
export function withHookFinalizers(resource: Manifest, wanted: readonly DeletionPhase[]): JsonObject {
  const before = finalizersOf(resource);
  const kept = before.filter((name) => !phases.some((phase) => isOf(name, phase) && !wanted.includes(phase)));
  const added = wanted
    .filter((phase) => !before.some((name) => isOf(name, phase)))
    .flatMap((phase) => [hookFinalizers[phase], `${hookFinalizers[phase]}/cleanup`]);
  return patched(resource, [...kept, ...added]);
}

function patched(resource: Manifest, finalizers: readonly string[]): JsonObject {
  const before = finalizersOf(resource);
  if (before.length === finalizers.length && before.every((name, index) => name === finalizers[index]))
    return {};
  return { finalizers: [...finalizers] };
}
