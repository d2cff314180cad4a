/** A refresh that somebody waits for: asked for by Argo CD's annotation, over when the engine has taken it off. */
import { refreshAnnotation } from '#dialects/argo/compile.ts';
import type { Result } from '#model/failure.ts';
import { ok } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';
import type { Cluster, Timers } from '#model/ports.ts';

/** Whoever asked is then told how things stand, refreshed or not. */
const waitMaxMs = 30_000;

export async function refresh(
  ref: ObjectRef,
  kind: 'normal' | 'hard',
  { cluster, timers }: { readonly cluster: Cluster; readonly timers: Timers },
): Promise<Result<undefined>> {
  const asked = await cluster.mergePatch(ref, { metadata: { annotations: { [refreshAnnotation]: kind } } });
  if (!asked.ok) return asked;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      following.stop();
      cancel();
      resolve();
    };
    const cancel = timers.after(waitMaxMs, end);
    const selection = {
      kind: ref,
      plural: 'applications',
      namespace: ref.namespace,
      name: ref.name,
      optional: false,
    };
    const following = cluster.follow(selection, ({ changed, gone }) => {
      const isOver = changed.some(({ metadata }) => metadata.annotations?.[refreshAnnotation] === undefined);
      // A watch may begin by telling of nothing.
      if (gone.length > 0 || isOver) end();
    });
  });
  return ok(undefined);
}
