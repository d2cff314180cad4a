/** Rendered output on a disk: encrypted, bounded, and never in the way. */
import { mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountingMeter, ManualTime } from '../kube/manual-time.fixture.ts';
import type { Digest } from '#model/json.ts';
import type { Log } from '#model/ports.ts';
import { DiskRenderStore, type DiskRenderStoreOptions } from './render-store.ts';

const installationKey = new Uint8Array(32).fill(7);
const keyOf = (name: string): Digest => `sha256:${name}`;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Text that does not become smaller. */
const noise = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

let root: string;
let dir: string;
let meter: CountingMeter;
let warnings: string[];
const time = new ManualTime();
const log: Log = { debug() {}, info() {}, warn: (_, message) => void warnings.push(message), error() {} };
const open = (options: Partial<DiskRenderStoreOptions> = {}): DiskRenderStore =>
  new DiskRenderStore({ dir, key: installationKey, clock: time, log, meter, ...options });
const textAt = async (store: DiskRenderStore, name: string): Promise<string | undefined> => {
  const value = await store.get(keyOf(name));
  return value && Buffer.from(value).toString('utf8');
};
/** What somebody reads who knows how it is packed and has no key. */
function inflatedFrom(content: Buffer, at: number): string {
  try {
    return inflateRawSync(content.subarray(at)).toString('utf8');
  } catch {
    return '';
  }
}
/** Those of the names that are there; looking is using, so a second passes between two of them. */
async function there(store: DiskRenderStore, names: string): Promise<string> {
  let found = '';
  for (const name of names) {
    time.advance(1000);
    if ((await store.get(keyOf(name))) !== undefined) found += name;
  }
  return found;
}
async function fill(store: DiskRenderStore, names: string, isOnlyCopy = false): Promise<void> {
  for (const name of names) {
    await store.put(keyOf(name), noise(1000), isOnlyCopy);
    expect(await there(store, name)).toBe(name);
  }
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'trueup-rendered-'));
  dir = join(root, 'data', 'rendered');
  meter = new CountingMeter();
  warnings = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('what was rendered', () => {
  it('is there after a restart, for its owner alone', async () => {
    await open().put(keyOf('a'), bytesOf('first'), false);
    await open().put(keyOf('a'), bytesOf('second'), false);
    expect(await textAt(open(), 'a')).toBe('second');
    expect(await textAt(open(), 'b')).toBeUndefined();
    const [file, ...others] = await readdir(dir);
    expect(others).toEqual([]);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, file!))).mode & 0o777).toBe(0o600);
    expect(meter.counts).toEqual([]);
  });

  it('S14: is not on the disk in clear, and a name does not tell of it', async () => {
    const canary = 'canary-eew4Ie';
    const key = keyOf(canary);
    await open().put(key, bytesOf(JSON.stringify({ stringData: { password: canary } })), false);
    for (const file of await readdir(dir)) {
      expect(file).not.toContain(canary);
      const content = await readFile(join(dir, file));
      expect(content.includes(canary)).toBe(false);
      for (let at = 0; at < content.length; at += 1) expect(inflatedFrom(content, at)).not.toContain(canary);
    }
    const other = open({ key: new Uint8Array(32).fill(8) });
    expect(await other.get(key)).toBeUndefined();
    expect(meter.counts).toEqual([]);
  });

  it('is never encrypted twice in the same way', async () => {
    const contents = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await open().put(keyOf('a'), bytesOf('same'), false);
      const [file] = await readdir(dir);
      contents.add((await readFile(join(dir, file!))).toString('hex'));
    }
    expect(contents.size).toBe(3);
  });
});

describe('a file that is not as it was written is not there (F17)', () => {
  it.each<[string, (file: string) => Promise<void>, number]>([
    ['torn', (file) => truncate(file, 40), 1],
    ['cut to nothing', (file) => truncate(file, 0), 0],
    ['cut inside its head', (file) => truncate(file, 9), 1],
    ['of another version', (file) => writeFile(file, 'TRS0 and then something else'), 0],
    [
      'changed in one bit',
      async (file) => {
        const content = await readFile(file);
        content[content.length - 1]! ^= 1;
        await writeFile(file, content);
      },
      1,
    ],
  ])('%s', async (_, spoil, failures) => {
    const store = open();
    await store.put(keyOf('a'), bytesOf('value'), false);
    const [file] = await readdir(dir);
    await spoil(join(dir, file!));
    for (const one of [store, open()]) expect(await textAt(one, 'a')).toBeUndefined();
    expect(meter.counts).toHaveLength(2 * failures);
    await store.put(keyOf('a'), bytesOf('again'), false);
    expect(await textAt(open(), 'a')).toBe('again');
  });

  it('put in the place of another', async () => {
    const store = open();
    await store.put(keyOf('a'), bytesOf('of a'), false);
    const [fileOfA] = await readdir(dir);
    await store.put(keyOf('b'), bytesOf('of b'), false);
    const fileOfB = (await readdir(dir)).find((file) => file !== fileOfA)!;
    await writeFile(join(dir, fileOfB), await readFile(join(dir, fileOfA!)));
    expect(await textAt(store, 'b')).toBeUndefined();
  });
});

describe('its size is bounded', () => {
  const limits = { bytesMax: 3500 };

  it('and what was used least recently goes first, also after a restart', async () => {
    const store = open(limits);
    await fill(store, 'abc');
    expect(await there(store, 'a')).toBe('a');
    await fill(store, 'd');
    expect(await there(store, 'dbca')).toBe('dca');
    expect(store.bytes).toBeLessThanOrEqual(limits.bytesMax);
    expect(await readdir(dir)).toHaveLength(3);

    const again = open(limits);
    await fill(again, 'e');
    expect(await there(again, 'abcde')).toBe('ace');
    expect(await readdir(dir)).toHaveLength(3);
  });

  it('and only copies go last, also after a restart', async () => {
    const store = open(limits);
    await fill(store, 'a', true);
    await fill(store, 'bcd');
    expect(await there(store, 'abcd')).toBe('acd');
    const again = open(limits);
    await fill(again, 'ef');
    expect(await there(again, 'cdef')).toBe('ef');
    expect(await there(again, 'a')).toBe('a');
    // What has become one of many goes like the others, and is there once.
    await fill(again, 'a');
    await fill(again, 'ghi');
    expect(await there(open(limits), 'aghi')).toBe('ghi');
    await fill(again, 'jkl', true);
    await fill(again, 'm', true);
    expect(await there(again, 'jklm')).toBe('klm');
    expect(await readdir(dir)).toHaveLength(3);
  });

  it('and what is removed is gone', async () => {
    const store = open();
    await fill(store, 'ab');
    await store.remove(keyOf('a'));
    await store.remove(keyOf('c'));
    expect(await there(store, 'ab')).toBe('b');
    expect(await readdir(dir)).toHaveLength(1);
  });

  it('in files too, and a smaller bound takes effect at the next start', async () => {
    const store = open();
    await fill(store, 'abcd');
    const smaller = open({ filesMax: 2 });
    expect(await there(smaller, 'abcd')).toBe('cd');
    expect(smaller.bytes).toBeLessThan(store.bytes);
  });

  it('and what is larger than all of it is not kept', async () => {
    const store = open(limits);
    await fill(store, 'a');
    await store.put(keyOf('b'), noise(5000), false);
    expect(await there(store, 'ab')).toBe('a');
  });

  it('what a crash left half written is cleared away, what is not ours stays', async () => {
    await open().put(keyOf('a'), bytesOf('value'), false);
    const [file] = await readdir(dir);
    await writeFile(join(dir, `${file}.0a1b2c3d.new`), 'half');
    await writeFile(join(dir, 'README'), 'not ours');
    expect(await textAt(open(), 'a')).toBe('value');
    expect((await readdir(dir)).toSorted()).toEqual([file, 'README'].toSorted());
  });
});

describe('a disk that cannot be written (F17)', () => {
  it('is told once and counted each time, and nothing fails', async () => {
    await writeFile(join(root, 'data'), 'a file where the directory should be');
    const store = open();
    await store.put(keyOf('a'), bytesOf('value'), false);
    await store.put(keyOf('b'), bytesOf('value'), false);
    expect(await textAt(store, 'a')).toBeUndefined();
    expect(warnings.filter((text) => text.includes('kept'))).toHaveLength(1);
    const writes = meter.counts.filter(({ labels }) => labels['operation'] === 'write');
    expect(writes.length).toBeGreaterThanOrEqual(2);
    expect(store.bytes).toBe(0);
  });

  it('still has what is on it, and is counted right', async () => {
    const store = open();
    await store.put(keyOf('a'), bytesOf('value'), false);
    const { bytes } = store;
    const aside = join(root, 'aside');
    await rename(dir, aside);
    await writeFile(dir, 'a file where the directory should be');
    await store.put(keyOf('a'), bytesOf('another value'), false);
    expect(store.bytes).toBe(bytes);
    await rm(dir);
    await rename(aside, dir);
    expect(await textAt(store, 'a')).toBe('value');
    expect(await readdir(dir)).toHaveLength(1);
  });
});
