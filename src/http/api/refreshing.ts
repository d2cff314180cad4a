/** A refresh that somebody waits for: asked for by Argo CD's annotation, over when the engine has taken it off. */
import { refreshAnnotation } from '#dialects/argo/compile.ts';
import type { Result } from '#model/failure.ts';
import { ok } from '#model/failure.ts';
import { versionOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Cluster, Timers } from '#model/ports.ts';

const waitMaxMs = 30_000;

/** The resource as it is then; undefined where it is gone, or was not refreshed in time. */
export async function refresh(
  ref: ObjectRef,
  kind: 'normal' | 'hard',
  { cluster, timers }: { readonly cluster: Cluster; readonly timers: Timers },
): Promise<Result<Manifest | undefined>> {
  const asked = await cluster.mergePatch(ref, { metadata: { annotations: { [refreshAnnotation]: kind } } });
  if (!asked.ok) return asked;
  if (asked.value.result === 'stale') return ok(undefined);
  // A list may come from a cache that has not heard of the wish yet: that there is none in it says nothing.
  const since = versionOf(asked.value.value);
  let end = (): void => undefined;
  const refreshed = await new Promise<Manifest | undefined>((resolve) => {
    const cancel = timers.after(waitMaxMs, () => resolve(undefined));
    const selection = {
      kind: ref,
      plural: 'applications',
      namespace: ref.namespace,
      name: ref.name,
      optional: false,
    };
    const following = cluster.follow(selection, ({ changed, gone }) => {
      const over = changed.find(
        (found) =>
          found.metadata.name === ref.name &&
          versionOf(found) >= since &&
          found.metadata.annotations?.[refreshAnnotation] === undefined,
      );
      if (over !== undefined || gone.some(({ name }) => name === ref.name)) resolve(over);
    });
    end = () => {
      following.stop();
      cancel();
    };
  });
  end();
  return ok(refreshed);
}
