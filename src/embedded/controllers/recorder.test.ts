import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGround, TestCluster, type Ground } from './cluster.fixture.ts';
import { faultNote } from './faults.ts';
import { events, pods } from './kinds.ts';

let ground: Ground;
let cluster: TestCluster;
beforeAll(async () => {
  ground = await openGround();
}, 60_000);
afterEach(() => {
  cluster.stop();
  expect(cluster.complaints).toEqual([]);
});

function start(): void {
  cluster = new TestCluster(ground);
  cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', annotations: { [faultNote]: 'crash-loop' } },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  });
  cluster.time.advance(60_000);
}
const backOff = () => cluster.list(events).find(({ reason }) => reason === 'BackOff')!;

describe('events', () => {
  test('that say the same of the same object are counted', () => {
    start();
    expect(backOff()).toMatchObject({
      count: 3,
      type: 'Warning',
      source: { component: 'kubelet', host: 'trueup' },
      involvedObject: { kind: 'Pod', name: 'a', fieldPath: 'spec.containers{app}' },
    });
    expect(backOff()['firstTimestamp']).not.toBe(backOff().lastTimestamp);
  });

  test('are still counted after a restart', () => {
    start();
    cluster.restart();
    cluster.time.advance(60_000);
    expect(cluster.list(events).filter(({ reason }) => reason === 'BackOff')).toHaveLength(1);
    expect(backOff().count).toBe(4);
  });

  test('are kept up to a number, the last ones', () => {
    start();
    const event = cluster.list(events)[0]!;
    for (let count = 0; count < 1010; count += 1) {
      const name = `more-${count}`;
      const metadata = { ...event.metadata, name, uid: name };
      cluster.store.put(events.key, { ...event, metadata, message: name });
    }
    cluster.time.advance(100);
    expect(cluster.list(events)).toHaveLength(1000);
    expect([cluster.has(events, 'more-9'), cluster.has(events, 'more-1009')]).toEqual([false, true]);
  });

  test('go an hour after they were last said', () => {
    start();
    cluster.delete(pods, 'a', { gracePeriodSeconds: 0 });
    cluster.time.advance(3_500_000);
    expect(cluster.list(events).length).toBeGreaterThan(0);
    cluster.time.advance(200_000);
    expect(cluster.list(events)).toEqual([]);
  });
});
