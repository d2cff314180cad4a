/** A refresh that somebody waits for: asked for by Argo CD's annotation, over when the engine has taken it off. */
import { refreshAnnotation } from '#dialects/argo/compile.ts';
import type { Result } from '#model/failure.ts';
import { ok } from '#model/failure.ts';
import { versionOf, type ObjectRef } from '#model/object.ts';
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
  if (asked.value.result === 'stale') return ok(undefined);
  // A list may come from a cache that has not heard of the wish yet: that there is none in it says nothing.
  const since = versionOf(asked.value.value);
  let end = (): void => undefined;
  await new Promise<void>((resolve) => {
    const cancel = timers.after(waitMaxMs, resolve);
    const selection = {
      kind: ref,
      plural: 'applications',
      namespace: ref.namespace,
      name: ref.name,
      optional: false,
    };
    const following = cluster.follow(selection, ({ changed, gone }) => {
      const isOver = changed.some(
        (found) =>
          found.metadata.name === ref.name &&
          versionOf(found) >= since &&
          found.metadata.annotations?.[refreshAnnotation] === undefined,
      );
      if (isOver || gone.some(({ name }) => name === ref.name)) resolve();
    });
    end = () => {
      following.stop();
      cancel();
    };
  });
  end();
  return ok(undefined);
}
