/** The file of the embedded cluster: what was stored is there after a restart, and a bad file ends no start. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '#model/ports.ts';
import { openObjectKeeper, type DiskObjectKeeper } from './object-keeper.ts';

let directory: string;
let file: string;
let keeper: DiskObjectKeeper | undefined;
let said: { readonly fields: object; readonly message: string }[];
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => void said.push({ fields, message }),
};
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'trueup-keeper-'));
  file = path.join(directory, 'cluster.db');
  said = [];
});
afterEach(async () => {
  keeper?.close();
  keeper = undefined;
  await rm(directory, { recursive: true });
});

function open(): DiskObjectKeeper {
  keeper?.close();
  keeper = openObjectKeeper(file, log);
  return keeper;
}

describe('a restart', () => {
  it('finds every object as it was last, and the counter where it was', () => {
    const first = open();
    expect(first.load()).toEqual({ version: 0, objects: [] });
    first.put('/configmaps', 'default/a', 1, { data: { a: '1' } });
    first.put('/configmaps', 'default/b', 2, { data: { b: '1' } });
    first.put('apps/deployments', 'default/a', 3, { spec: { replicas: 2 } });
    first.put('/configmaps', 'default/a', 4, { data: { a: '2' } });
    first.remove('/configmaps', 'default/b', 5);
    expect(open().load()).toEqual({
      version: 5,
      objects: [
        { resource: '/configmaps', object: { data: { a: '2' } } },
        { resource: 'apps/deployments', object: { spec: { replicas: 2 } } },
      ],
    });
    expect(said).toEqual([]);
  });

  it('finds numbers beyond 2^53 and any text', () => {
    const object = { size: 9_007_199_254_740_993n, text: 'naïve \u0000 \u{1f600} "\'' };
    open().put('/configmaps', 'default/a', 1, object);
    expect(open().load().objects).toEqual([{ resource: '/configmaps', object }]);
  });

  it('after the process was killed finds what was stored', () => {
    open().put('/configmaps', 'default/a', 1, { data: {} });
    // Not closed: what is in the log beside the file counts.
    const copy = path.join(directory, 'copy.db');
    for (const suffix of ['', '-wal'])
      if (existsSync(`${file}${suffix}`)) writeFileSync(`${copy}${suffix}`, readFileSync(`${file}${suffix}`));
    const again = openObjectKeeper(copy, log);
    expect(again.load()).toEqual({
      version: 1,
      objects: [{ resource: '/configmaps', object: { data: {} } }],
    });
    again.close();
  });
});

it('only its owner can read what is stored: secrets are in it', () => {
  writeFileSync(file, '', { mode: 0o644 });
  open().put('/secrets', 'default/a', 1, { data: { password: 'cGFzcw==' } });
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(`${file}${suffix}`).mode & 0o777).toBe(0o600);
});

describe('a change', () => {
  it('that fails leaves object and counter as they were, and the next one works', () => {
    const first = open();
    first.put('/configmaps', 'default/a', 1, { data: { a: '1' } });
    const inTheWay = new DatabaseSync(file);
    inTheWay.exec(
      "CREATE TRIGGER full BEFORE UPDATE ON counter WHEN new.version = 2 BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    inTheWay.close();
    expect(() => first.put('/configmaps', 'default/a', 2, { data: { a: '2' } })).toThrow('full');
    expect(first.load()).toEqual({
      version: 1,
      objects: [{ resource: '/configmaps', object: { data: { a: '1' } } }],
    });
    first.put('/configmaps', 'default/a', 3, { data: { a: '3' } });
    expect(open().load().version).toBe(3);
  });
});

describe('a file that cannot be used', () => {
  const aside = (): string => `${file}.unreadable`;
  function expectAnew(cause: string): void {
    expect(said).toEqual([
      {
        fields: { file, aside: aside(), cause: expect.stringContaining(cause) },
        message: 'the embedded cluster cannot be read: it begins anew',
      },
    ]);
    keeper!.put('/configmaps', 'default/new', 1, {});
    expect(open().load().version).toBe(1);
  }

  it('because it is none is put aside, and that is said', () => {
    writeFileSync(file, 'this is no database, and it is longer than the header of one is. '.repeat(4));
    expect(open().load()).toEqual({ version: 0, objects: [] });
    expect(readFileSync(aside(), 'utf8')).toMatch(/^this is no database/);
    expectAnew('not a database');
  });

  it('because a page of it is damaged is put aside as well', () => {
    const first = open();
    for (let count = 1; count <= 200; count += 1)
      first.put('/configmaps', `default/${count}`, count, { data: { text: 'x'.repeat(1_000) } });
    first.close();
    keeper = undefined;
    const bytes = readFileSync(file);
    bytes.fill(0xff, 8_192, bytes.byteLength - 8_192);
    writeFileSync(file, bytes);
    expect(open().load()).toEqual({ version: 0, objects: [] });
    expect(statSync(aside()).size).toBe(bytes.byteLength);
    expectAnew('');
  });

  it('because a later Trueup wrote it is put aside unchanged', () => {
    const later = new DatabaseSync(file);
    later.exec('PRAGMA user_version = 2; CREATE TABLE things (name TEXT)');
    later.close();
    const before = readFileSync(file);
    expect(open().load()).toEqual({ version: 0, objects: [] });
    expect(readFileSync(aside()).equals(before)).toBe(true);
    expectAnew('it is of version 2, which a later Trueup wrote');
  });

  it('and cannot be made anew either ends the start', () => {
    file = path.join(directory, 'not-there', 'cluster.db');
    expect(() => open()).toThrow('ENOENT');
  });
});
