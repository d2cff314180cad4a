import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { fail, ok } from '#model/failure.ts';
import type { Cluster, FollowBatch, ObjectChange } from '#model/ports.ts';
import { until } from './manual-time.fixture.ts';
import { connectCluster, serveCluster } from './remote.ts';

const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
const ref = { ...kind, namespace: 'n', name: 'a' };

function connect(cluster: Partial<Cluster>) {
  const { port1, port2 } = new MessageChannel();
  serveCluster(port1, { onChange() {}, close: async () => {}, ...cluster } as Cluster);
  return { worker: port1, remote: connectCluster(port2, 'c') };
}

test('calls cross with their arguments, answers with their values, failures as values', async () => {
  const failure = { kind: 'denied', code: 'Forbidden', stage: 'observe', message: 'm', hint: 'h' } as const;
  const { remote } = connect({
    read: async (asked) => (asked.name === 'a' ? ok(undefined) : fail(failure)),
    remove: async (...args) => ok({ result: 'stale', why: JSON.stringify(args) }),
  });
  expect(await remote.read(ref)).toEqual(ok(undefined));
  expect(await remote.read({ ...ref, name: 'b' })).toEqual(fail(failure));
  expect(await remote.remove(ref, { uid: 'u' }, 'Orphan', 1234)).toEqual(
    ok({ result: 'stale', why: JSON.stringify([ref, { uid: 'u' }, 'Orphan', 1234]) }),
  );
  await remote.close();
});

test('changes and batches cross until they are stopped', async () => {
  let change: (changes: readonly ObjectChange[]) => void = () => {};
  let batch: (batch: FollowBatch) => void = () => {};
  let stopped = false;
  const { remote } = connect({
    onChange: (listener) => (change = listener),
    follow: (_, listener) => {
      batch = listener;
      return { stop: () => (stopped = true) };
    },
  });
  const seen: unknown[] = [];
  remote.onChange((changes) => seen.push(changes));
  const following = remote.follow({ kind, plural: 'configmaps', optional: false }, (some) => seen.push(some));
  change([{ ref }]);
  await until(() => seen.length === 1);
  batch({ synced: true, changed: [], gone: [ref] });
  await until(() => seen.length === 2);
  expect(seen).toEqual([[{ ref }], { synced: true, changed: [], gone: [ref] }]);
  following.stop();
  await until(() => stopped);
  batch({ synced: true, changed: [], gone: [] });
  change([]);
  await until(() => seen.length === 3);
  expect(seen[2]).toEqual([]);
  await remote.close();
});

test('a bug in the worker is thrown here; a worker that ended fails what waits, and what comes after', async () => {
  const { worker, remote } = connect({
    capabilities: async () => {
      throw new TypeError('a slip');
    },
    read: () => new Promise(() => {}),
  });
  await expect(remote.capabilities()).rejects.toThrow('a slip');
  const waiting = remote.read(ref);
  worker.close();
  expect(await waiting).toMatchObject({ ok: false, failure: { kind: 'transient', code: 'WorkerGone' } });
  expect(await remote.sightings([ref], 1)).toMatchObject([{ state: 'unknown' }]);
  await remote.close();
});
