/** Watches: which events a client sees, in which order, and when a watch ends. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualTime, turns } from '#kube/manual-time.fixture.ts';
import type { Stored } from './objects.ts';
import { builtInResources } from './resources.ts';
import { labelSelector } from './selectors.ts';
import { forgetful, Store } from './store.ts';
import { Watching, type WatchRequest } from './watching.ts';

const resource = builtInResources.find(({ name }) => name === 'configmaps')!;
const key = '/configmaps';
let time: ManualTime;
let store: Store;
let watching: Watching;
beforeEach(() => {
  time = new ManualTime();
  store = new Store(forgetful);
  watching = new Watching(store, time);
});

function put(name: string, labels: Record<string, string> = {}, more: object = {}): Stored {
  return store.put(key, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels,
    },
    ...more,
  });
}

interface Event {
  readonly type: string;
  readonly object: {
    readonly metadata: {
      readonly name?: string;
      readonly resourceVersion: string;
      readonly annotations?: object;
    };
    readonly code?: number;
    readonly message?: string;
  };
}

/** Reads what is there already; says whether the watch has ended. */
class Watch {
  readonly events: Event[] = [];
  isOver = false;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(request: Partial<WatchRequest> = {}, isRead = true) {
    this.reader = watching
      .stream({
        resource,
        namespace: '',
        matches: () => true,
        version: '',
        sendInitialEvents: false,
        bookmarks: false,
        timeoutMs: 600_000,
        present: (object) => object,
        ...request,
      })
      .getReader();
    if (isRead) void this.read();
  }

  async read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.reader.read();
      if (done) break;
      this.events.push(JSON.parse(Buffer.from(value).toString()) as Event);
    }
    this.isOver = true;
  }

  async seen(): Promise<readonly string[]> {
    await turns(10);
    return this.events.map(
      ({ type, object: { metadata } }) => `${type} ${metadata.name ?? ''} ${metadata.resourceVersion}`,
    );
  }
}

describe('a watch', () => {
  it('without a version begins with what there is, and goes on in order', async () => {
    put('b');
    put('a');
    const watch = new Watch();
    put('c');
    put('a');
    store.remove(key, 'default', 'b');
    expect(await watch.seen()).toEqual([
      'ADDED a 2',
      'ADDED b 1',
      'ADDED c 3',
      'MODIFIED a 4',
      'DELETED b 5',
    ]);
  });

  it('from a version shows what came after it', async () => {
    put('a');
    put('b');
    put('a');
    const watch = new Watch({ version: '1' });
    put('c');
    expect(await watch.seen()).toEqual(['ADDED b 2', 'MODIFIED a 3', 'ADDED c 4']);
  });

  it('from a version that is still to come shows only what is later than that', async () => {
    const watch = new Watch({ version: '2' });
    put('a');
    put('b');
    put('c');
    expect(await watch.seen()).toEqual(['ADDED c 3']);
  });

  it('from a version that is too old ends with an error', async () => {
    for (let count = 0; count < 5_000; count += 1) put('a');
    const watch = new Watch({ version: '1' });
    await turns(10);
    expect(watch.events).toMatchObject([
      { type: 'ERROR', object: { code: 410, message: 'too old resource version: 1 (5000)' } },
    ]);
    expect(watch.isOver).toBe(true);
    expect(watching.count).toBe(0);
    expect(time.delaysMs).toEqual([]);
  });

  it('of a namespace, and of a kind, shows no others', async () => {
    const watch = new Watch({ namespace: 'other' });
    put('a');
    store.put('/secrets', { ...put('a'), metadata: { ...put('a').metadata, namespace: 'other' } });
    expect(await watch.seen()).toEqual([]);
  });

  it('with a selector adds what enters it and deletes what leaves it', async () => {
    put('was', { tier: 'a' });
    put('other', { tier: 'b' });
    const watch = new Watch({ matches: labelSelector('tier=a') });
    put('other', { tier: 'a' });
    put('other', { tier: 'a', more: 'x' });
    put('was', { tier: 'b' });
    put('was', { tier: 'c' });
    store.remove(key, 'default', 'was');
    store.remove(key, 'default', 'other');
    expect(await watch.seen()).toEqual([
      'ADDED was 1',
      'ADDED other 3',
      'MODIFIED other 4',
      'DELETED was 5',
      'DELETED other 8',
    ]);
    // As it was when it matched last.
    expect(watch.events[3]).toMatchObject({ object: { metadata: { labels: { tier: 'a' } } } });
  });
});

describe('bookmarks', () => {
  it('come every minute with the version of the store, where they are asked for', async () => {
    const watch = new Watch({ bookmarks: true });
    const plain = new Watch();
    put('a');
    store.put('/secrets', put('a'));
    time.advance(60_000);
    time.advance(60_000);
    expect(await watch.seen()).toEqual(['ADDED a 1', 'MODIFIED a 2', 'BOOKMARK  3', 'BOOKMARK  3']);
    expect(await plain.seen()).toEqual(['ADDED a 1', 'MODIFIED a 2']);
  });

  it('mark the end of the initial events', async () => {
    put('a');
    const watch = new Watch({ sendInitialEvents: true, bookmarks: true });
    put('b');
    expect(await watch.seen()).toEqual(['ADDED a 1', 'BOOKMARK  1', 'ADDED b 2']);
    expect(watch.events[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('are not sent to who did not ask for them, not even that one', async () => {
    put('a');
    expect(await new Watch({ sendInitialEvents: true }).seen()).toEqual(['ADDED a 1']);
  });
});

describe('a watch ends', () => {
  it('when its time is over, and leaves nothing behind', async () => {
    const watch = new Watch({ timeoutMs: 5_000, bookmarks: true });
    time.advance(4_999);
    await turns(10);
    expect(watch.isOver).toBe(false);
    time.advance(1);
    await turns(10);
    expect(watch.isOver).toBe(true);
    expect(watching.count).toBe(0);
    expect(time.delaysMs).toEqual([]);
    put('late');
    expect(watch.events).toEqual([]);
  });

  it('when the client goes', async () => {
    const watch = new Watch({ bookmarks: true }, false);
    expect(watching.count).toBe(1);
    await watch.reader.cancel();
    expect(watching.count).toBe(0);
    expect(time.delaysMs).toEqual([]);
    put('a');
  });

  it('when the cluster closes', async () => {
    const watches = [new Watch(), new Watch({ bookmarks: true })];
    watching.close();
    await turns(10);
    expect(watches.map(({ isOver }) => isOver)).toEqual([true, true]);
    expect(watching.count).toBe(0);
    expect(time.delaysMs).toEqual([]);
  });

  it('when the client does not read: its memory is not ours', async () => {
    const idle = new Watch({}, false);
    const large = { data: { text: 'x'.repeat(1024 * 1024) } };
    for (let count = 0; count < 40; count += 1) put('large', {}, large);
    expect(watching.count).toBe(0);
    await idle.read();
    expect(idle.isOver).toBe(true);
    expect(idle.events.length).toBeGreaterThan(10);
    expect(idle.events.length).toBeLessThan(20);
    expect(time.delaysMs).toEqual([]);
  });

  it('not because there is much to begin with', async () => {
    const large = { data: { text: 'x'.repeat(1024 * 1024) } };
    for (let count = 0; count < 20; count += 1) put(`large-${count}`, {}, large);
    const watch = new Watch();
    put('small');
    expect(watching.count).toBe(1);
    const seen = await watch.seen();
    expect(seen).toHaveLength(21);
    expect(seen.at(-1)).toBe('ADDED small 21');
  });
});
