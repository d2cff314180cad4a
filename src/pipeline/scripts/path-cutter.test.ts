import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, systemTimers } from '#host/clock.ts';
import type { CutAnswer, PathCutter } from '#model/scripts.ts';
import { openPathCutter, type CutterOptions } from './path-cutter.ts';

let cutter: PathCutter;
afterEach(() => cutter.close());
let nowMs = 0;
function open(options: Partial<CutterOptions> = {}): PathCutter {
  nowMs = 0;
  // Time that only the test moves: how long something rests.
  const clock = { ...systemClock, monotonic: () => nowMs };
  return (cutter = openPathCutter({ clock, timers: systemTimers }, { deadlineMs: 300, ...options }));
}
const object = {
  spec: {
    replicas: 2,
    containers: [
      { name: 'main', image: 'a' },
      { name: 'proxy', image: 'b' },
    ],
  },
};
const cut = (paths: readonly string[], of: object = object, asker = 'one'): Promise<CutAnswer> =>
  cutter.cut(asker, [{ paths, object: of as never }]);

describe('jq paths', () => {
  it('are taken out one after the other, of every object', async () => {
    open();
    const paths = ['.spec.replicas', '.spec.containers[] | select(.name == "proxy")'];
    expect(
      await cutter.cut('one', [
        { paths, object },
        { paths: [], object },
      ]),
    ).toEqual({
      ok: true,
      value: [{ spec: { containers: [{ name: 'main', image: 'a' }] } }, object],
    });
  });
  it('that find something else than they expect take nothing away, as in Argo CD', async () => {
    open();
    expect(await cut(['.spec.replicas[].x', '.spec.containers'])).toEqual({
      ok: true,
      value: [{ spec: { replicas: 2 } }],
    });
  });
  it('are those of Argo CD', async () => {
    open();
    const of = {
      spec: {
        containers: [
          { name: 'a', image: '1' },
          { name: 'istio-proxy', image: '2' },
        ],
        replicas: 3,
      },
      metadata: { annotations: { 'x.io/y': '1', keep: '2' } },
    };
    const paths = [
      '.spec.containers[] | select(.name == "istio-proxy")',
      '.metadata.annotations["x.io/y"]',
      '.spec.replicas',
      '.spec.nothing',
    ];
    expect(await cut(paths, of)).toEqual({
      ok: true,
      value: [
        { spec: { containers: [{ name: 'a', image: '1' }] }, metadata: { annotations: { keep: '2' } } },
      ],
    });
    const odd = ['.a[', '.b | error("no")', '.a', '(.a, .b) |= empty | .b = 1, .c'];
    expect(await cut(odd, { a: 1, b: 2 })).toEqual({ ok: true, value: [{ b: 2 }] });
  });
  it('keep long integers as they are', async () => {
    open();
    const long = { a: 9_007_199_254_740_993n, b: 1 };
    expect(
      JSON.stringify(await cut(['.b'], long), (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).toContain('9007199254740993');
  });
  it('that are no programs are named, and never run', async () => {
    open();
    expect(await cutter.check(['.spec', '.spec[', '.x'])).toMatchObject({ path: '.spec[' });
    expect(await cutter.check(['.spec', 'nothing_of_that_name(.)'])).toMatchObject({
      path: 'nothing_of_that_name(.)',
      message: expect.stringContaining('nothing_of_that_name'),
    });
    expect(await cutter.check(['.spec', '.a | until(false; .)'])).toBeUndefined();
  });
  it.each(['def f: f; f', '[range(1e12)] | length', '("x" * 1000000000) | .[0:1]'])(
    'without end or measure are stopped: %s (F23)',
    async (path) => {
      open();
      expect(await cut([path])).toMatchObject({ ok: false, failure: { stopped: true, path } });
      expect(await cut(['.spec'], object, 'two')).toEqual({ ok: true, value: [{}] });
    },
  );
  it('that do not end are stopped; their asker rests, and nobody else (F23)', async () => {
    open();
    const endless = '.a | until(false; .)';
    const first = await cut([endless]);
    expect(first).toMatchObject({ ok: false, failure: { path: endless, stopped: true } });
    expect(await cut(['.spec'])).toEqual(first);
    expect(await cut(['.spec'], object, 'two')).toEqual({ ok: true, value: [{}] });
    nowMs += 11 * 60_000;
    expect(await cut(['.spec'])).toEqual({ ok: true, value: [{}] });
  });
  it('that take all memory are stopped, and the next ones run (F23)', async () => {
    open({ deadlineMs: 20_000 });
    const greedy = '.a | [limit(100000000; repeat("x" * 1000))] | .[0]';
    expect(await cut([greedy])).toMatchObject({
      ok: false,
      failure: { stopped: true, message: expect.stringContaining('memory') },
    });
    expect(await cut(['.spec'], object, 'two')).toEqual({ ok: true, value: [{}] });
  });
  it('have a budget together (F23)', async () => {
    open({ budgetMs: 0 });
    expect(await cut(['.spec'])).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining('together') },
    });
  });
  it('that are asked for side by side are answered in turn', async () => {
    open();
    const answers = await Promise.all(['one', 'two', 'three'].map((asker) => cut(['.spec'], object, asker)));
    expect(answers).toEqual(answers.map(() => ({ ok: true, value: [{}] })));
  });
});
