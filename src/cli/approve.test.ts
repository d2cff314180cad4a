/** Approvals by the command line: of either kind, by digest, once, and of nothing else. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  applicationKind,
  configMap,
  EngineWorld,
  filesOf,
  repository,
} from '../../tests/fakes/engine-world.ts';
import { failure } from '../../tests/fakes/cluster.ts';
import type { Manifest } from '#model/object.ts';
import { appSync } from './app-sync.ts';
import { applyCommand } from './apply.ts';
import { approveCommand } from './approve.ts';
import type { CommandPorts } from './command.ts';
import { ended, portsOn, whileItGoesOn } from './commands.fixture.ts';
import { exitCodes } from './exit-codes.ts';
import { historyCommand } from './history.ts';
import { planCommand } from './plan.ts';

const kustomization = 'kustomize.toolkit.fluxcd.io/Kustomization';
const options = { namespace: 'argocd', timeoutMs: 60_000 };
const other = `sha256:${'0'.repeat(64)}`;
const many = (count: number): readonly Manifest[] =>
  Array.from({ length: count }, (_, index) => configMap(`n${index}`));

let world: EngineWorld;
let ports: CommandPorts;
let out = '';
let files: Map<string, string>;
beforeEach(() => {
  world = new EngineWorld();
  out = '';
  files = new Map();
  ports = {
    ...portsOn(world, { out: (text) => void (out += text), say: () => undefined }),
    writeFile: (name, text) => void files.set(name, text),
    readFile: (name) => files.get(name)!,
  };
});

const command = (run: Promise<void>): ReturnType<typeof ended> => ended(whileItGoesOn(world, run));
const digestIn = (text: string): string => /sha256:[0-9a-f]{64}/.exec(text)![0];
const isThere = (name: string): boolean => world.data(name) !== undefined;

interface Subject {
  readonly words: readonly string[];
  readonly declare: () => Promise<void>;
  readonly standing: () => Manifest;
}
const subjects: Readonly<Record<string, Subject>> = {
  Application: {
    words: ['web'],
    declare: () => world.create(world.application()),
    standing: () => world.cluster.must(applicationKind, 'argocd', 'web'),
  },
  Kustomization: {
    words: ['kustomization/flux-system/apps'],
    declare: async () => {
      await world.create({
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'fleet', namespace: 'flux-system' },
        spec: { interval: '1m', url: repository, ref: { branch: 'main' } },
      });
      await world.create({
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name: 'apps', namespace: 'flux-system' },
        spec: {
          interval: '10m',
          path: './app',
          prune: true,
          sourceRef: { kind: 'GitRepository', name: 'fleet' },
        },
      });
    },
    standing: () => world.cluster.must(kustomization, 'flux-system', 'apps'),
  },
};

describe.each(Object.keys(subjects))('a held prune of %s (F9)', (kind) => {
  const { words, declare, standing } = subjects[kind]!;
  const held = async (): Promise<string> => {
    await world.start();
    await world.push(many(12));
    await declare();
    await world.push(many(2));
    expect(isThere('n11')).toBe(true);
    return digestIn(JSON.stringify(standing()['status']));
  };

  it('is carried out when it is approved; who did and when is kept, and the approval is gone', async () => {
    const plan = await held();
    const approvedAt = new Date(world.time.now()).toISOString().replace(/\.\d+/, '');
    expect(await command(approveCommand(words, { ...options, plan }, ports))).toEqual({
      code: 0,
      message: '',
    });
    expect(out).toMatch(/Succeeded: .*pruned 10\n$/);
    expect([isThere('n1'), isThere('n2')]).toEqual([true, false]);
    expect(standing().metadata.annotations ?? {}).toEqual({});
    expect(JSON.stringify(standing()['status'])).toContain(approvedAt);
    out = '';
    await historyCommand(words, { ...options, output: 'table' }, ports);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(` ada +pruned 10; approved by ada at ${approvedAt}$`),
    );
    expect(await command(approveCommand(words, options, ports))).toMatchObject({
      code: exitCodes.failed,
      message: expect.stringContaining('no plan waits for approval'),
    });
  });

  it('with another digest is not: both are named, and nothing is written', async () => {
    const plan = await held();
    const mark = world.mark;
    expect(await command(approveCommand(words, { ...options, plan: other }, ports))).toEqual({
      code: exitCodes.failed,
      message: expect.stringMatching(new RegExp(`plan ${other} is stale: what waits .* is plan ${plan}`)),
    });
    expect(world.writesSince(mark)).toEqual([]);
    expect(standing().metadata.annotations ?? {}).toEqual({});
  });

  it('is not when Git moves meanwhile: it says what it would be now, and the approval is taken back', async () => {
    const plan = await held();
    world.crash();
    world.git.push(repository, { 'README.md': 'x', ...filesOf(many(3)) });
    const run = approveCommand(words, { ...options, plan }, ports);
    const { code, message } = await ended(whileItGoesOn(world, run, () => world.start()));
    expect(code).toBe(exitCodes.failed);
    expect(message).toMatch(
      new RegExp(`nothing was applied: what was approved is plan ${plan}, and by now it would be sha256:`),
    );
    expect(isThere('n11')).toBe(true);
    expect(standing().metadata.annotations ?? {}).toEqual({});
  });

  it('is not while nobody carries it out: the approval is taken back', async () => {
    const plan = await held();
    world.crash();
    expect(await command(approveCommand(words, { ...options, plan }, ports))).toMatchObject({
      code: exitCodes.unhealthy,
    });
    expect(standing().metadata.annotations ?? {}).toEqual({});
  });

  it('that fails half-way says so, and the approval is taken back', async () => {
    const plan = await held();
    world.cluster.inject = ({ verb, key }) =>
      verb === 'remove' && key.endsWith('/n11') ? failure('Forbidden', 'denied') : undefined;
    expect(await command(approveCommand(words, { ...options, plan }, ports))).toEqual({
      code: exitCodes.failed,
      message: expect.stringMatching(/: Failed: 1 of \d+ steps failed: .*\[Forbidden\]/),
    });
    expect([isThere('n2'), isThere('n11')]).toEqual([false, true]);
    expect(standing().metadata.annotations ?? {}).toEqual({});
  });

  it('is carried out by a plan file, though it is held', async () => {
    await held();
    const plan = planCommand(
      { ...options, mirror: [], what: words, destNamespace: 'default', output: 'table', out: 'p' },
      ports,
    );
    expect(await command(plan)).toMatchObject({
      code: exitCodes.failed,
      message: expect.stringContaining('PruneHeld'),
    });
    out = '';
    expect(await command(applyCommand('p', { ...options, mirror: [] }, ports))).toEqual({
      code: 0,
      message: '',
    });
    expect(out).toMatch(/Succeeded: .*pruned 10/);
    expect(isThere('n11')).toBe(false);
    expect(await command(applyCommand('p', { ...options, mirror: [] }, ports))).toMatchObject({
      code: exitCodes.failed,
      message: expect.stringMatching(/is stale, and nothing was applied/),
    });
  });
});

describe('app sync --approve', () => {
  const sync = (more: object): ReturnType<typeof ended> =>
    command(appSync('web', { ...options, ...more }, ports));
  const waits = async (): Promise<string> => {
    await world.start();
    await world.push([configMap('one')]);
    await world.create(world.application('web', { syncPolicy: {} }));
    return digestIn(world.condition('Waiting') ?? '');
  };

  it('of another digest is refused: both are named, and nothing is written', async () => {
    const plan = await waits();
    const mark = world.mark;
    expect(await sync({ approve: other })).toEqual({
      code: exitCodes.failed,
      message: expect.stringMatching(new RegExp(`plan ${other} is stale: what waits .* is plan ${plan}`)),
    });
    expect(world.writesSince(mark)).toEqual([]);
    expect(await sync({ approve: plan })).toEqual({ code: 0, message: '' });
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada', approved: { plan, by: 'ada' } });
  });
  it('is no dry run', async () => {
    await waits();
    expect(await sync({ approve: true, dryRun: true })).toMatchObject({ code: exitCodes.usage });
    expect(world.data('one')).toBeUndefined();
  });
  it('has what an operation was held for carried out (F9)', async () => {
    await world.start();
    await world.push(many(12));
    await world.create(world.application('web', { syncPolicy: {} }));
    expect(await sync({})).toEqual({ code: 0, message: '' });
    await world.push(many(2));
    expect((await sync({ prune: true })).code).toBe(exitCodes.failed);
    const told = world.status().operationState?.message ?? '';
    expect(told).toMatch(/^held for approval: 10 of 12/);
    expect(isThere('n11')).toBe(true);
    expect(await sync({ prune: true, approve: digestIn(told) })).toEqual({ code: 0, message: '' });
    expect(isThere('n11')).toBe(false);
  });
  it('that comes to nothing leaves no approval behind', async () => {
    const plan = await waits();
    world.crash();
    world.git.push(repository, { 'README.md': 'x', ...filesOf([configMap('one', { a: '2' })]) });
    const run = appSync('web', { ...options, approve: plan }, ports);
    expect((await ended(whileItGoesOn(world, run, () => world.start()))).code).toBe(exitCodes.failed);
    expect(world.data('one')).toBeUndefined();
    expect(subjects['Application']!.standing().metadata.annotations ?? {}).toEqual({});
  });
});
