/** The file of the records: what was written is there after a restart, and a full disk loses none of it (F17). */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryMount } from '../../tests/programs.ts';
import type { Result } from '#model/failure.ts';
import type { Log } from '#model/ports.ts';
import type { DeploymentRecord, DriftRecord, RecordChanges } from '#model/record.ts';
import { pageSize, RecordStore, retentionDays, type RecordStoreParts } from './record-store.ts';

const dayMs = 86_400_000;
const startMs = 1000 * dayMs;
let directory: string;
let file: string;
let nowMs: number;
let said: string[];
let opened: RecordStore[];
const log: Log = {
  debug() {},
  info() {},
  warn: (_, message) => void said.push(message),
  error: (_, message) => void said.push(message),
};
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'trueup-records-'));
  file = path.join(directory, 'records.db');
  nowMs = startMs;
  said = [];
  opened = [];
});
afterEach(async () => {
  for (const store of opened) store.close();
  await rm(directory, { recursive: true });
});

function open(further: Partial<RecordStoreParts> = {}): RecordStore {
  for (const store of opened) store.close();
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const store = new RecordStore({ file, clock, log, ...further });
  opened.push(store);
  return store;
}
const owner = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  kind: 'Application',
  namespace: 'argocd',
  name: 'web',
};
const deployment = (entry: number, further: Partial<DeploymentRecord> = {}): DeploymentRecord => ({
  unit: 'u-1',
  sinceMs: 1,
  entry,
  owner,
  atMs: startMs + entry,
  durationMs: 5,
  revisions: [{ url: 'https://git.example/a', commit: 'abc', label: 'main@abc' }],
  by: 'automated sync',
  automated: true,
  attempt: 0,
  result: 'succeeded',
  message: 'applied 1',
  applied: 1,
  pruned: 0,
  ...further,
});
const drift = (further: Partial<DriftRecord> = {}): DriftRecord => ({
  unit: 'u-1',
  owner,
  object: { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one' },
  seenAtMs: startMs,
  beganAtMs: startMs - 10,
  by: [{ manager: 'vi', operation: 'Update' }],
  fields: ['.data.a'],
  deleted: false,
  ...further,
});
const changes = (further: Partial<RecordChanges>): RecordChanges => ({
  deployments: [],
  drift: [],
  ...further,
});
const all = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}
const deployments = async (store: RecordStore, query: object = {}): Promise<readonly DeploymentRecord[]> =>
  must(await store.deployments({ ...all, ...query })).items;

describe('what was written', () => {
  it('is there after a restart, each once, however often it was written', async () => {
    const mark = { unit: 'u-1', sinceMs: 1, entry: 2, pending: 0 };
    const written = changes({ mark, deployments: [deployment(1), deployment(2)], drift: [drift()] });
    must(await open().write(written));
    must(await open().write(written));
    const again = open();
    expect(await deployments(again)).toEqual([deployment(1), deployment(2)]);
    expect(must(await again.standing())).toEqual({ marks: [mark], open: [drift()] });
  });

  it('is replaced by what has the same identity, and not by what has another', async () => {
    const store = open();
    const ended = drift({ ended: { atMs: startMs + 5, how: 'healed' } });
    const reverted = deployment(1, { revert: { seenAtMs: 1, stableAtMs: 9 } });
    must(await store.write(changes({ deployments: [deployment(1)], drift: [drift()] })));
    must(await store.write(changes({ deployments: [reverted], drift: [ended] })));
    must(await store.write(changes({ deployments: [deployment(1, { sinceMs: 2 })] })));
    expect(await deployments(store)).toEqual([reverted, deployment(1, { sinceMs: 2 })]);
    expect(must(await store.drift(all)).items).toEqual([ended]);
    expect(must(await store.standing()).open).toEqual([]);
  });

  it('comes in pages, oldest first, of a time and of a resource', async () => {
    const store = open();
    const many = Array.from({ length: pageSize + 7 }, (_, index) => deployment(index, { atMs: startMs }));
    must(await store.write(changes({ deployments: many })));
    const first = must(await store.deployments(all));
    expect(first.items).toHaveLength(pageSize);
    const second = must(await store.deployments({ ...all, next: first.next! }));
    expect(second.items).toHaveLength(7);
    expect(second).not.toHaveProperty('next');
    expect(new Set([...first.items, ...second.items].map(({ entry }) => entry)).size).toBe(pageSize + 7);
    const other = { ...owner, namespace: 'team', name: 'api' };
    must(
      await store.write(changes({ deployments: [deployment(1, { unit: 'u-2', owner: other, atMs: 7 })] })),
    );
    expect(await deployments(store, { name: 'api', namespace: 'team', kind: 'application' })).toHaveLength(1);
    expect(await deployments(store, { name: 'api', kind: 'Kustomization' })).toEqual([]);
    expect(await deployments(store, { fromMs: 7, untilMs: 8 })).toHaveLength(1);
    expect(await deployments(store, { fromMs: 8, untilMs: startMs })).toEqual([]);
    expect(must(await store.beganAtMs())).toBe(7);
  });

  it('and is open drift comes whenever it was seen', async () => {
    const store = open();
    must(await store.write(changes({ drift: [drift()] })));
    const later = { fromMs: startMs + dayMs, untilMs: startMs + 2 * dayMs };
    expect(must(await store.drift(later)).items).toEqual([drift()]);
    must(await store.write(changes({ drift: [drift({ ended: { atMs: startMs + 1, how: 'healed' } })] })));
    expect(must(await store.drift(later)).items).toEqual([]);
  });

  it('is kept for a time and in a number', async () => {
    const store = open();
    must(await store.write(changes({ deployments: [deployment(1)] })));
    nowMs += retentionDays * dayMs + 2;
    const again = open();
    must(await again.write(changes({ deployments: [deployment(2, { atMs: nowMs })] })));
    expect((await deployments(again)).map(({ entry }) => entry)).toEqual([2]);
    const small = open({ rowsMax: 3 });
    const many = [3, 4, 5, 6].map((entry) => deployment(entry, { atMs: nowMs + entry }));
    must(await small.write(changes({ deployments: many })));
    expect((await deployments(small)).map(({ entry }) => entry)).toEqual([4, 5, 6]);
    expect(said.join()).toMatch(/at most 3 deployments: the oldest were dropped/);
  });

  it('only its owner can read', async () => {
    writeFileSync(file, '', { mode: 0o644 });
    must(await open().write(changes({ drift: [drift()] })));
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(`${file}${suffix}`).mode & 0o777).toBe(0o600);
  });

  it('can be read beside who writes it, and when nobody does', async () => {
    const store = open();
    must(await store.write(changes({ deployments: [deployment(1)] })));
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    const reader = new RecordStore({ file, clock, log, readOnly: true });
    expect(await deployments(reader)).toHaveLength(1);
    expect((await reader.write(changes({}))).ok).toBe(false);
    reader.close();
    store.close();
    expect(await deployments(reader)).toHaveLength(1);
    reader.close();
  });
});

describe('F17: a full disk', () => {
  const large = (entry: number): RecordChanges =>
    changes({ deployments: [deployment(entry, { message: 'x'.repeat(8000) })] });

  async function expectNothingLost(store: RecordStore, makeRoom: () => RecordStore): Promise<void> {
    let written = 0;
    let failed: Result<undefined> | undefined;
    while (failed === undefined && written < 2000) {
      const result = await store.write(large(written));
      if (result.ok) written += 1;
      else failed = result;
    }
    expect(failed).toMatchObject({
      failure: { kind: 'transient', code: 'RecordsUnwritable', message: expect.stringMatching(/full/) },
    });
    expect(await deployments(store)).toHaveLength(written);
    const roomy = makeRoom();
    must(await roomy.write(large(written)));
    expect((await deployments(roomy)).map(({ entry }) => entry)).toEqual(
      Array.from({ length: written + 1 }, (_, index) => index),
    );
    expect(said).toEqual([]);
  }

  it('as SQLite says it: nothing is lost, and with room it goes on', async () => {
    const store = open({ pagesMax: 60 });
    await expectNothingLost(store, () => open());
  });

  const mounted = async (): Promise<string | undefined> => {
    const place = path.join(directory, 'volume');
    await mkdir(place);
    return tryMount(place, '512k') ? place : undefined;
  };
  it('that is a volume: nothing is lost, and with room the same process goes on', async (context) => {
    const place = await mounted();
    if (place === undefined) return context.skip();
    try {
      file = path.join(place, 'records.db');
      const ballast = path.join(place, 'ballast');
      writeFileSync(ballast, Buffer.alloc(250 * 1024));
      const store = open();
      await expectNothingLost(store, () => {
        rmSync(ballast);
        return store;
      });
      store.close();
    } finally {
      execFileSync('umount', [place]);
    }
  });
  it('from the start ends nothing: the file is made when there is room', async (context) => {
    const place = await mounted();
    if (place === undefined) return context.skip();
    try {
      file = path.join(place, 'records.db');
      const ballast = path.join(place, 'ballast');
      try {
        writeFileSync(ballast, Buffer.alloc(1024 * 1024));
      } catch {
        // It is full now.
      }
      const store = open();
      expect(await store.standing()).toMatchObject({ ok: false, failure: { code: 'RecordsUnwritable' } });
      rmSync(ballast);
      must(await store.write(changes({ deployments: [deployment(1)] })));
      expect(await deployments(store)).toHaveLength(1);
      expect(said).toEqual([]);
      store.close();
    } finally {
      execFileSync('umount', [place]);
    }
  });
  it('or a directory that is away, is over when it is there', async () => {
    file = path.join(directory, 'later', 'records.db');
    const store = open();
    expect(await store.write(changes({}))).toMatchObject({
      ok: false,
      failure: { code: 'RecordsUnwritable' },
    });
    await mkdir(path.dirname(file));
    must(await store.write(changes({ deployments: [deployment(1)] })));
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['is none', () => writeFileSync(file, 'this is no database, and it is longer than a header. '.repeat(4))],
    [
      'was written by a later Trueup',
      () => {
        const later = new DatabaseSync(file);
        later.exec('PRAGMA user_version = 2; CREATE TABLE things (name TEXT)');
        later.close();
      },
    ],
  ])('because it %s is put aside, and that is said', async (_, spoil) => {
    spoil();
    const store = open();
    must(await store.write(changes({ deployments: [deployment(1)] })));
    expect(await deployments(store)).toHaveLength(1);
    expect(existsSync(`${file}.unreadable`)).toBe(true);
    expect(said).toEqual(['the records cannot be read: they begin anew']);
  });
});
