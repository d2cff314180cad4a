import { afterEach, describe, expect, it } from 'vitest';
import type { Timers } from '#model/ports.ts';
import type { SandboxRequest } from './protocol.ts';
import { Sandbox, type SandboxOptions } from './sandbox.ts';

/** Time that passes when the test says so. */
class HandTimers implements Timers {
  readonly #calls = new Map<number, () => void>();
  #next = 0;
  after(_delayMs: number, call: () => void): () => void {
    const id = (this.#next += 1);
    this.#calls.set(id, call);
    return () => void this.#calls.delete(id);
  }
  get pending(): number {
    return this.#calls.size;
  }
  fire(): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call();
  }
}

/** A worker that does as the root of the request says. */
const hostile = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ root }) => {
      if (root === 'loop') for (;;) {}
      if (root === 'memory') { const kept = []; for (;;) kept.push(new Array(1e5).fill({})); }
      if (root === 'throw') throw new Error('oops');
      parentPort.postMessage({ ok: true, value: { root, environment: Object.keys(process.env) } });
    });
  `)}`,
);

const limits = { depthMax: 100, aliasesMax: 100, nodesMax: 10_000, totalBytesMax: 1_000_000 };

function request(root: string, text = ''): SandboxRequest {
  return {
    op: 'decode',
    options: { files: ['a.yaml'], limits },
    tree: {
      directories: {},
      known: [],
      absent: [],
      files: [{ path: 'a.yaml', content: new TextEncoder().encode(text) }],
    },
    root,
    objectBytesMax: 1_000_000,
    lenient: [],
  };
}

let open: Sandbox[] = [];
function start(options: Partial<SandboxOptions> = {}) {
  const timers = new HandTimers();
  const renderer = new Sandbox({ workers: 1, deadlineMs: 10_000, timers, memoryMbMax: 64, ...options });
  open.push(renderer);
  return { renderer, timers };
}
afterEach(async () => {
  await Promise.all(open.map((renderer) => renderer.close()));
  open = [];
});

describe('the sandbox', () => {
  it('renders, one after the other', async () => {
    const { renderer } = start();
    const one = request('apps', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
    const results = await Promise.all([renderer.render(one), renderer.render(request('apps', 'kind: ['))]);
    expect(results[0]).toMatchObject({ ok: true, value: { objects: [{ ref: { name: 'a' } }] } });
    expect(results[1]).toMatchObject({ ok: false, failure: { code: 'InvalidYaml' } });
    // What was sent can be rendered again: it was copied.
    expect(one.tree.files[0]?.content.byteLength).toBeGreaterThan(0);
  });
  it('ends a worker that loops; the next request is served (F16)', async () => {
    const { renderer, timers } = start({ workerUrl: hostile });
    const looping = renderer.render(request('loop'));
    const next = renderer.render(request('fine'));
    await expect.poll(() => timers.pending, { timeout: 15_000 }).toBe(1);
    // It is long at it, and then too long.
    timers.fire();
    timers.fire();
    expect(await looping).toMatchObject({
      ok: false,
      failure: { code: 'RenderTimeout', at: { path: 'loop' } },
    });
    expect(await next).toMatchObject({ ok: true });
  });
  it('renders for others while some loop, a bounded number of them (F16)', async () => {
    const { renderer, timers } = start({ workerUrl: hostile, workers: 2 });
    const looping = ['loop', 'loop', 'loop'].map((root) => renderer.render(request(root)));
    const beside = renderer.render(request('fine'));
    await expect.poll(() => timers.pending, { timeout: 15_000 }).toBe(2);
    timers.fire();
    expect(await beside).toMatchObject({ ok: true });
    // Each of the three has a worker now, and a fourth rests. There is no fifth.
    const last = renderer.render(request('loop'));
    const waiting = renderer.render(request('fine'));
    await renderer.version();
    expect(timers.pending).toBe(4);
    // The first two are too long at it, the others long.
    timers.fire();
    expect(await waiting).toMatchObject({ ok: true });
    timers.fire();
    for (const result of await Promise.all([...looping, last]))
      expect(result).toMatchObject({ ok: false, failure: { code: 'RenderTimeout' } });
  });
  it('ends a worker that runs out of memory; the next request is served (F16)', async () => {
    const { renderer } = start({ workerUrl: hostile });
    const results = await Promise.all([renderer.render(request('memory')), renderer.render(request('fine'))]);
    expect(results[0]).toMatchObject({ ok: false, failure: { code: 'RenderOutOfMemory' } });
    expect(results[1]).toMatchObject({ ok: true });
  });
  it('survives a bug in the renderer', async () => {
    const { renderer } = start({ workerUrl: hostile });
    expect(await renderer.render(request('throw'))).toMatchObject({
      ok: false,
      failure: { code: 'RenderCrashed' },
    });
    expect(await renderer.render(request('fine'))).toMatchObject({ ok: true });
  });
  it('gives the worker no environment (S1)', async () => {
    const { renderer } = start({ workerUrl: hostile });
    expect(await renderer.render(request('fine'))).toMatchObject({ value: { environment: [] } });
  });
  it('has a worker ready once it is told that something will be rendered', async () => {
    const { renderer, timers } = start({ workerUrl: hostile, workers: 2 });
    renderer.prepare();
    renderer.prepare();
    await renderer.version();
    expect(timers.pending).toBe(1);
    // The same worker answers, and rests again.
    expect(await renderer.render(request('fine'))).toMatchObject({ ok: true });
    expect(timers.pending).toBe(1);
  });
  it('ends idle workers, and starts new ones', async () => {
    const { renderer, timers } = start({ workerUrl: hostile });
    await renderer.render(request('fine'));
    expect(timers.pending).toBe(1);
    timers.fire();
    expect(timers.pending).toBe(0);
    expect(await renderer.render(request('fine'))).toMatchObject({ ok: true });
  });
  it('fails what is under way when it is closed', async () => {
    const { renderer } = start({ workerUrl: hostile });
    const pending = [renderer.render(request('loop')), renderer.render(request('fine'))];
    await renderer.close();
    for (const result of await Promise.all(pending)) expect(result).toMatchObject({ ok: false });
    expect(await renderer.render(request('fine'))).toMatchObject({ ok: false });
  });
});
