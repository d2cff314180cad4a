import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveOf, chartOf, tarOf, type Packed } from '../../tests/registries/packing.ts';
import { archiveLimits, chartFiles, unpack } from './archive.ts';

const refusedBecause = async (packed: Uint8Array, limits = archiveLimits): Promise<string> => {
  const result = await unpack('it', packed, limits);
  return result.ok ? 'accepted' : `${result.failure.code}: ${result.failure.message}`;
};

describe('an archive', () => {
  it('is its plain files, whatever their modes are (S3)', async () => {
    const packed = archiveOf([
      { path: 'web/', type: 'Directory', mode: 0 },
      { path: './web/a.yaml', content: 'a: 1', mode: 0 },
      { path: 'web/b', content: 'b', mode: 0o6777 },
      { path: `${'long/'.repeat(18)}name.yaml`, content: 'c' },
    ]);
    const result = await unpack('it', packed);
    expect(
      result.ok && result.value.map(({ path, content }) => [path, Buffer.from(content).toString()]),
    ).toEqual([
      ['web/a.yaml', 'a: 1'],
      ['web/b', 'b'],
      [`${'long/'.repeat(18)}name.yaml`, 'c'],
    ]);
  });
  it.each<[string, Packed]>([
    ['outside', { path: '../a' }],
    ['outside', { path: 'a/../../b' }],
    ['outside', { path: '/etc/passwd' }],
    ['outside', { path: 'a\\..\\b' }],
    ['outside', { path: 'a/.git/config' }],
    ['outside', { path: '.GIT/hooks/x' }],
    ['SymbolicLink', { path: 'a', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
    ['SymbolicLink', { path: 'a', type: 'SymbolicLink', linkpath: 'b' }],
    ['Link', { path: 'a', type: 'Link', linkpath: '../b' }],
    ['CharacterDevice', { path: 'a', type: 'CharacterDevice' }],
  ])('with an entry that is %s is refused: %j (S2, S3)', async (what, entry) => {
    expect(await refusedBecause(archiveOf([{ path: 'fine', content: 'x' }, entry]))).toContain(what);
  });
  it('that has a file in the place of a directory is refused', async () => {
    expect(await refusedBecause(archiveOf([{ path: 'a' }, { path: 'a/b' }]))).toContain(
      'a file and a directory',
    );
  });
  it('that unpacks to much more than it is, or to too much, is refused before it is unpacked (S3)', async () => {
    const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20));
    const before = process.memoryUsage().rss;
    expect(await refusedBecause(bomb)).toContain('unpacks to more than is allowed');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    const small = { ...archiveLimits, unpackedBytesMax: 2 ** 20 };
    const noise = archiveOf([
      { path: 'a', content: Buffer.from(Array.from({ length: 2 ** 21 }, (_, i) => (i * i) % 251)) },
    ]);
    expect(await refusedBecause(noise, small)).toContain('unpacks to more than is allowed');
  });
  it('of too many entries is refused (S3)', async () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ path: `f${index}` }));
    expect(await refusedBecause(archiveOf(many), { ...archiveLimits, entriesMax: 10 })).toContain(
      'more than 10 entries',
    );
  });
  it('that is none, or damaged, is refused', async () => {
    expect(await refusedBecause(Buffer.from('<html>'))).toContain('no gzip archive');
    const half = tarOf([{ path: 'a', content: 'x'.repeat(5000) }]).subarray(0, 2000);
    expect(await refusedBecause(gzipSync(half))).toContain('ArchiveRefused');
  });
  it('whatever its bytes are, ends in files inside it or in a refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        const result = await unpack('it', gzipSync(bytes));
        if (result.ok) for (const { path } of result.value) expect(path).not.toMatch(/(^|\/)\.\.(\/|$)|^\//);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a chart', () => {
  it('is what lies in the directory of its name', async () => {
    const unpacked = await unpack('web', chartOf('web', '1.0.0', [{ path: 'README.md', content: 'x' }]));
    const files = unpacked.ok ? chartFiles('web', unpacked.value) : unpacked;
    expect(files.ok && files.value.map(({ path }) => path)).toEqual([
      'Chart.yaml',
      'values.yaml',
      'templates/settings.yaml',
    ]);
  });
  it('that is none is refused', () => {
    const files = chartFiles('web', [{ path: 'a.yaml', content: new Uint8Array() }]);
    expect(files).toMatchObject({ ok: false, failure: { code: 'ArchiveRefused' } });
  });
});
