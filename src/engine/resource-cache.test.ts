import { expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import type { Cluster, FollowBatch } from '#model/ports.ts';
import { ResourceCache } from './resource-cache.ts';

const web = { group: 'argoproj.io', kind: 'Application', namespace: 'argocd', name: 'web' };
const at = (resourceVersion: string): Manifest => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'web', namespace: 'argocd', resourceVersion },
});

/** A cache that follows Applications; `tell` is what its watch says, `changed` what it passes on. */
function following() {
  let tell: (batch: Partial<FollowBatch>) => void = () => undefined;
  const changed: string[] = [];
  const cluster: Pick<Cluster, 'follow'> = {
    follow: (_selection, listener) => {
      tell = (batch) => listener({ synced: true, changed: [], gone: [], ...batch });
      return { stop: () => undefined };
    },
  };
  const cache = new ResourceCache();
  const kind = { group: 'argoproj.io', version: 'v1alpha1', kind: 'Application' };
  const selection = { kind, plural: 'applications', optional: true };
  cache.follow(cluster as Cluster, [selection], (keys) => changed.push(...keys.map(({ name }) => name)));
  const version = (): unknown => cache.get(web)?.metadata['resourceVersion'];
  return { cache, changed, version, tell: (batch: Partial<FollowBatch>) => tell(batch) };
}

it('F6: a watch that is behind does not bring back what stood before our own write', () => {
  const { cache, changed, version, tell } = following();
  tell({ changed: [at('8')] });
  cache.put(at('10'));
  tell({ changed: [at('9')] });
  expect(version()).toBe('10');
  expect(changed).toEqual(['web']);
  tell({ changed: [at('10')] });
  expect(changed).toEqual(['web', 'web']);
});

it('once the watch has come as far as our write, what it tells is believed, as after a restore from a backup', () => {
  const { cache, version, tell } = following();
  tell({ changed: [at('8')] });
  cache.put(at('10'));
  tell({ changed: [at('11')] });
  tell({ changed: [at('7')] });
  expect(version()).toBe('7');
});

it('one that was deleted and made again is another', () => {
  const { cache, version, tell } = following();
  tell({ changed: [at('8')] });
  cache.put(at('10'));
  tell({ gone: [web] });
  expect(version()).toBeUndefined();
  tell({ changed: [at('9')] });
  expect(version()).toBe('9');
});
