/** Commands on a cluster in memory: what they print, what they wait for, and how they end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applicationKind, configMap, EngineWorld, repository } from '../../tests/fakes/engine-world.ts';
import { failure } from '../../tests/fakes/cluster.ts';
import { argoDialect } from '#dialects/argo/application.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import { argoDefinitions } from '#dialects/argo/crds.ts';
import { describe as describeRef, type Manifest } from '#model/object.ts';
import { diffCommand } from './diff.ts';
import { historyCommand } from './history.ts';
import { appGet, appList } from './app-list.ts';
import { appSync, appWait } from './app-sync.ts';
import { table, type CommandPorts } from './command.ts';
import { ended, portsOn, whileItGoesOn } from './commands.fixture.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { getCommand } from './get.ts';
import { install } from './install.ts';
import { appManifests, planCommand } from './plan.ts';
import { renderCommand } from './render.ts';
import { healthCommand } from './health.ts';
import { listedKinds, refOfWords } from './resources.ts';
import { rollbackCommand } from './rollback.ts';
import { resumeCommand, suspendCommand } from './suspend.ts';
import { handBackCommand, takeoverCommand } from './takeover.ts';
import { terminateCommand } from './terminate.ts';
import { treeCommand } from './tree.ts';
import { whyCommand } from './why.ts';

let world: EngineWorld;
let ports: CommandPorts;
let out = '';
let said = '';
const options = { namespace: 'argocd' };
const mirror = { mirror: [] };

beforeEach(() => {
  world = new EngineWorld();
  out = '';
  said = '';
  ports = portsOn(world, { out: (text) => void (out += text), say: (text) => void (said += text) });
});

const meanwhile = <T>(command: Promise<T>, act?: () => Promise<void> | void): Promise<T> =>
  whileItGoesOn(world, command, act);
async function synced(): Promise<void> {
  await world.start();
  await world.push([configMap('one'), configMap('two')]);
  await world.create(world.application());
}

describe('exit codes', () => {
  it.each([
    ['transient', 'apply', exitCodes.failed],
    ['terminal', 'render', exitCodes.failed],
    ['denied', 'observe', exitCodes.unauthorised],
    ['blocked', 'policy', exitCodes.denied],
  ] as const)('%s at %s', (kind, stage, code) =>
    expect(exitCodeOf({ ...failure('X', kind), stage })).toBe(code),
  );
  it('are what the guide says', () => {
    expect(exitCodes).toEqual({
      done: 0,
      failed: 1,
      differences: 2,
      unhealthy: 3,
      unauthorised: 4,
      denied: 5,
      usage: 64,
      interrupted: 130,
    });
  });
});

describe('table', () => {
  it('aligns columns and leaves no blanks at the end', () => {
    expect(
      table([
        ['A', 'LONG', 'C'],
        ['one', 'x', ''],
        ['', 'xyz', 'z'],
      ]),
    ).toBe('A    LONG  C\none  x\n     xyz   z\n');
    expect(table([])).toBe('');
  });
});

describe('app list and get', () => {
  it('a row an Application, with the cause', async () => {
    await synced();
    world.cluster.put({ ...world.application('broken'), spec: { destination: {} } });
    await world.settle();
    await appList({ ...options, output: 'table' }, ports);
    const [header, ...rows] = out.trimEnd().split('\n');
    expect(header).toMatch(/^NAME +SYNC +HEALTH +REVISION +CAUSE$/);
    expect(rows.find((row) => row.includes('argocd/web'))).toMatch(
      /argocd\/web +Synced +Healthy +[0-9a-f]{8}$/,
    );
    expect(rows.find((row) => row.includes('argocd/broken'))).toMatch(/Unknown.*spec\.source/);
  });
  it('names and JSON for scripts; progress never on standard output', async () => {
    await synced();
    await appList({ ...options, output: 'name' }, ports);
    expect(out).toBe('argocd/web\n');
    out = '';
    await appList({ ...options, output: 'json' }, ports);
    expect((JSON.parse(out) as Manifest[]).map(({ metadata }) => metadata.name)).toEqual(['web']);
    expect(said).toBe('');
  });
  it('none: says so on standard error, and ends well', async () => {
    await appList({ ...options, output: 'name' }, ports);
    expect(out).toBe('');
    expect(said).toMatch(/no Applications/);
  });
  it('get: one of them, with its objects', async () => {
    await synced();
    await appGet('web', { ...options, output: 'table' }, ports);
    expect(out).toMatch(/Sync Status: +Synced \(2\/2\)/);
    expect(out).toMatch(/ConfigMap +payments +one +Synced/);
  });
  it('get: one that is not there ends with 1 and says which there are', async () => {
    await synced();
    expect(await ended(appGet('wep', { ...options, output: 'table' }, ports))).toEqual({
      code: 1,
      message: 'no Application "wep" in namespace argocd; there are: web',
    });
  });
});

describe('app sync', () => {
  const sync = (more: object = {}): Promise<{ readonly code: number; readonly message: string }> =>
    ended(appSync('web', { ...options, timeoutMs: 300_000, ...more }, ports));

  it('asks, waits for the answer, and tells it', async () => {
    await synced();
    await world.change('web', (draft) => delete draft.spec.syncPolicy);
    await world.push([configMap('one', { a: '2' }), configMap('two')]);
    expect(await meanwhile(sync())).toEqual({ code: 0, message: '' });
    expect(world.data('one')).toEqual({ a: '2' });
    expect(out).toMatch(/^web: Succeeded: applied 1/);
    expect(world.state()?.history.at(-1)).toMatchObject({ by: 'ada' });
  });
  it('fails with 1, and the conditions, when the operation failed', async () => {
    await synced();
    world.cluster.inject = ({ verb }) => (verb === 'apply' ? failure('Forbidden', 'denied') : undefined);
    await world.change('web', (draft) => delete draft.spec.syncPolicy);
    await world.push([configMap('one', { a: '2' }), configMap('two')]);
    expect((await meanwhile(sync())).code).toBe(1);
    expect(out).toMatch(/Failed/);
    expect(said).toMatch(/SyncError: .*Forbidden/);
  });
  it('is not answered by what was there before', async () => {
    await synced();
    world.crash();
    const waiting = await meanwhile(sync({ timeoutMs: 60_000 }), () => {
      // Somebody else writes; nobody answers.
      world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => (draft.metadata.labels = { a: 'b' }));
    });
    expect(waiting.code).toBe(exitCodes.unhealthy);
  });
  it('is not answered by an older look at the Application either', async () => {
    await synced();
    world.crash();
    // Between our read and our request somebody else writes: the version is another one, and still nothing was done.
    let isFirst = true;
    world.cluster.inject = ({ verb, key }) => {
      if (verb === 'mergePatch' && key.includes('/Application/') && isFirst) {
        isFirst = false;
        world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => (draft.metadata.labels = { a: 'b' }));
      }
      return undefined;
    };
    expect((await meanwhile(sync({ timeoutMs: 60_000 }))).code).toBe(exitCodes.unhealthy);
  });
  it('a dry run changes nothing and says what would be', async () => {
    await synced();
    await world.change('web', (draft) => delete draft.spec.syncPolicy);
    await world.push([configMap('one', { a: '2' })]);
    const mark = world.mark;
    expect((await meanwhile(sync({ dryRun: true }))).code).toBe(0);
    expect(out).toMatch(/dry run: .*1 to change/);
    expect(world.writesSince(mark)).toEqual([]);
  });
  it('F9: approves the plan that is held', async () => {
    const many = (count: number): readonly Manifest[] =>
      Array.from({ length: count }, (_, index) => configMap(`n${index}`));
    await world.start();
    await world.push(many(12));
    await world.create(world.application());
    await world.push(many(1));
    expect(world.data('n11')).toBeDefined();
    expect((await meanwhile(sync({ approve: true }))).code).toBe(0);
    expect(world.data('n11')).toBeUndefined();
    expect(await sync({ approve: true })).toMatchObject({
      code: 1,
      message: expect.stringContaining('no plan waits for approval'),
    });
  });
  it('does not get in the way of another operation, nor of Argo CD’s controller (F29)', async () => {
    await synced();
    world.crash();
    world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => (draft.operation = { sync: {} }));
    expect(await sync()).toMatchObject({ code: 1, message: expect.stringContaining('another operation') });
    world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => delete draft.operation);
    world.cluster.put({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: {
        name: 'argocd-application-controller',
        namespace: 'argocd',
        labels: { 'app.kubernetes.io/name': 'argocd-application-controller' },
      },
      status: { readyReplicas: 1 },
    });
    expect(await sync()).toMatchObject({ code: 1, message: expect.stringContaining('--replicas=0') });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toBeUndefined();
  });
  it('of two that ask at once one loses, and is told so; nothing of both is mixed', async () => {
    await synced();
    world.crash();
    const theirs = { initiatedBy: { username: 'grace' }, sync: { prune: true } };
    let raced = false;
    world.cluster.inject = ({ verb }) => {
      if (verb === 'mergePatch' && !raced) {
        raced = true;
        world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => (draft.operation = theirs));
      }
      return undefined;
    };
    expect(await sync({ async: true })).toEqual({
      code: exitCodes.failed,
      message: 'web: somebody else asked for a sync first; wait for it: trueup app wait web --operation',
    });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toEqual(theirs);
  });
  it('a change of anything else meanwhile does not keep it from asking', async () => {
    await synced();
    world.crash();
    let changes = 0;
    world.cluster.inject = ({ verb }) => {
      if (verb === 'mergePatch' && changes < 3) {
        changes += 1;
        world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => (draft.status.changes = changes));
      }
      return undefined;
    };
    expect(await sync({ async: true })).toEqual({ code: 0, message: '' });
    expect(changes).toBe(3);
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toEqual({
      initiatedBy: { username: 'ada' },
      sync: {},
    });
  });
  it('--async asks and ends', async () => {
    await synced();
    world.crash();
    expect(await sync({ async: true })).toEqual({ code: 0, message: '' });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toEqual({
      initiatedBy: { username: 'ada' },
      sync: {},
    });
  });
});

describe('app wait', () => {
  const wait = (more: object = {}): Promise<{ readonly code: number; readonly message: string }> =>
    ended(appWait('web', { ...options, timeoutMs: 60_000, ...more }, ports));

  it('ends at once where all is well', async () => {
    await synced();
    expect(await meanwhile(wait())).toEqual({ code: 0, message: '' });
    expect(out).toBe('web: Synced, Healthy\n');
  });
  it('waits until it is', async () => {
    await synced();
    await world.change('web', (draft) => (draft.spec.source.path = 'nowhere'));
    const waiting = await meanwhile(wait(), () =>
      world.change('web', (draft) => (draft.spec.source.path = 'app')),
    );
    expect(waiting.code).toBe(0);
  });
  it('ends with 3 on time-out, and says why', async () => {
    await synced();
    await world.change('web', (draft) => (draft.spec.source.path = 'nowhere'));
    expect(await meanwhile(wait())).toMatchObject({
      code: exitCodes.unhealthy,
      message: expect.stringMatching(/within 60 s.*nowhere/s),
    });
  });
  it('ends with 1 when the Application is deleted meanwhile', async () => {
    await synced();
    await world.change('web', (draft) => (draft.spec.source.path = 'nowhere'));
    expect(await meanwhile(wait(), () => world.cluster.drop(applicationKind, 'argocd', 'web'))).toMatchObject(
      { code: 1, message: expect.stringContaining('deleted') },
    );
  });
});

describe('plan and manifests', () => {
  const ad = {
    ...options,
    ...mirror,
    repo: repository,
    path: 'app',
    destNamespace: 'payments',
    output: 'table' as const,
  };

  it('plan of a directory: what would be done, and nothing is', async () => {
    world.git.push(repository, {
      'app/one.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n',
    });
    const { writes } = world.cluster;
    expect(await ended(planCommand(ad, ports))).toEqual({ code: 0, message: '' });
    expect(out).toMatch(/\+ ConfigMap payments\/one {2}missing/);
    expect((await ended(planCommand({ ...ad, exitCode: true }, ports))).code).toBe(exitCodes.differences);
    expect(world.cluster.writes).toEqual(writes);
  });
  it('plan of an Application in sync: no differences', async () => {
    await synced();
    const { repo: _, ...rest } = ad;
    expect((await ended(planCommand({ ...rest, app: 'web', exitCode: true }, ports))).code).toBe(0);
    expect(out).toMatch(/in sync/);
  });
  it('plan of a chart that looks up asks the cluster', async () => {
    await world.start();
    world.cluster.put(configMap('shared', { a: 'found' }));
    await world.pushFiles({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'app/templates/map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ (lookup "v1" "ConfigMap" "payments" "shared").data.a }}}\n',
    });
    await world.create(world.application());
    const { repo: _, ...rest } = ad;
    expect((await ended(planCommand({ ...rest, app: 'web' }, ports))).code).toBe(0);
    expect(said).not.toContain('LookupUnanswered');
    await appManifests('web', { ...options, ...mirror }, ports);
    expect(out).toMatch(/name: found/);
  });
  it('plan needs one of the two', async () => {
    expect((await ended(planCommand({ ...ad, app: 'web' }, ports))).code).toBe(exitCodes.usage);
  });
  it('manifests: what Git says, without the values of Secrets (S14)', async () => {
    await world.start();
    await world.pushFiles({
      'app/s.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {word: canary}\ndata: {other: Y2FuYXJ5}\n',
    });
    await world.create(world.application());
    await appManifests('web', { ...options, ...mirror }, ports);
    expect(out).toMatch(/name: s/);
    expect(out).not.toMatch(/canary|Y2FuYXJ5/);
  });
});

describe('takeover and hand-back', () => {
  const left = {
    sync: { status: 'Synced' },
    reconciledAt: '2026-01-01T00:00:00Z',
    resources: [{ version: 'v1', kind: 'ConfigMap', namespace: 'payments', name: 'one', status: 'Synced' }],
  };
  const controller = (readyReplicas: number): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name: 'argocd-application-controller',
      namespace: 'argocd',
      labels: { 'app.kubernetes.io/name': 'argocd-application-controller' },
    },
    status: { readyReplicas },
  });
  const takeover = (more: object = {}) =>
    ended(takeoverCommand(['web'], { ...options, ...mirror, timeoutMs: 60_000, ...more }, ports));
  async function foreign(): Promise<void> {
    await world.start();
    await world.push([configMap('one', { a: '2' })]);
    world.cluster.put(configMap('one'), 'argocd-controller');
    world.cluster.put({ ...world.application(), status: left }, 'argocd-application-controller');
    await world.settle();
  }

  it('shows the first plan and changes nothing; --yes carries it out', async () => {
    await foreign();
    expect(await takeover()).toEqual({ code: 0, message: '' });
    expect(out).toMatch(/~ ConfigMap payments\/one/);
    expect(said).toMatch(/nothing was changed.*--yes/);
    expect(world.data('one')).toEqual({ a: '1' });
    expect(await meanwhile(takeover({ yes: true }))).toEqual({ code: 0, message: '' });
    expect(world.data('one')).toEqual({ a: '2' });
    out = '';
    await takeover();
    expect(out).toMatch(/nothing to take over/);
  });
  it('what it had begun is in progress nowhere: it cannot be terminated, and a sync replaces it', async () => {
    await foreign();
    const operation = { initiatedBy: { username: 'grace' }, retry: { limit: 5 }, sync: { prune: true } };
    const begun = { phase: 'Running', startedAt: '2026-01-01T00:00:00Z', operation };
    world.time.advance(1000);
    world.cluster.edit(
      applicationKind,
      'argocd',
      'web',
      (draft) => {
        draft.operation = operation;
        draft.status = { ...left, operationState: begun };
      },
      'argocd-application-controller',
    );
    await world.settle();
    const withTimeout = { ...options, timeoutMs: 60_000 };
    expect(await ended(terminateCommand(['web'], withTimeout, ports))).toEqual({
      code: exitCodes.failed,
      message: 'web: no operation is in progress',
    });
    world.crash();
    expect(await ended(appSync('web', { ...withTimeout, async: true }, ports))).toMatchObject({ code: 0 });
    expect(world.cluster.must(applicationKind, 'argocd', 'web')['operation']).toEqual({
      initiatedBy: { username: 'ada' },
      sync: {},
    });
  });
  it('is refused while the old controller runs, though the plan is shown', async () => {
    world.cluster.put(controller(1));
    await foreign();
    expect(await takeover()).toMatchObject({ code: 0 });
    expect(await takeover({ yes: true })).toMatchObject({
      code: 1,
      message: expect.stringContaining('--replicas=0'),
    });
    expect(world.data('one')).toEqual({ a: '1' });
  });
  it('hand-back: says what the other controller finds and how it goes on', async () => {
    await synced();
    world.cluster.put(controller(0));
    world.cluster.edit(applicationKind, 'argocd', 'web', (draft) => {
      draft.metadata.annotations = { 'trueup.dev/approved-plan': 'sha256:x', 'team.example/kept': 'yes' };
    });
    expect(await ended(handBackCommand(['web'], options, ports))).toEqual({ code: 0, message: '' });
    expect(out).toMatch(/2 objects, applied as argocd-controller, marked by argocd.argoproj.io\/tracking-id/);
    expect(out).toContain('kubectl -n argocd scale statefulset/argocd-application-controller --replicas=1');
    const { metadata } = world.cluster.must(applicationKind, 'argocd', 'web');
    expect(metadata.annotations).toEqual({ 'team.example/kept': 'yes' });
  });
});

describe('app rollback', () => {
  const rollback = (more: object = {}, id?: string) =>
    ended(
      rollbackCommand(
        ['web'],
        { ...options, ...mirror, timeoutMs: 60_000, ...(id === undefined ? {} : { to: id }), ...more },
        ports,
      ),
    );
  async function raised(): Promise<void> {
    await synced();
    await world.push([configMap('one', { a: '2' }), configMap('two')], { message: 'Raise it' });
    expect(world.data('one')).toEqual({ a: '2' });
  }

  it('is a commit in Git, which the server applies and measures', async () => {
    await raised();
    const ends = await meanwhile(rollback(), () => world.advance(40_000));
    expect(ends).toEqual({ code: 0, message: '' });
    expect(world.data('one')).toEqual({ a: '1' });
    expect(out).toMatch(/^web: reverted 1 commit, as main@\w{8}; stable .* after it was seen/);
    const last = world.state()?.history.at(-1);
    expect(last).toMatchObject({
      kind: 'sync',
      revert: { seenAtMs: expect.any(Number), stableAtMs: expect.any(Number) },
    });
    const { writes } = world.cluster;
    await world.advance(100_000);
    expect(world.cluster.writes).toEqual(writes);
  });
  it('a person’s revert is measured as well, until it is healthy', async () => {
    await raised();
    await world.push([configMap('one'), configMap('two')], { message: 'Revert "Raise it"' });
    expect(world.state()?.history.at(-1)).toMatchObject({ revert: { stableAtMs: expect.any(Number) } });
    await historyCommand(['web'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/a revert, stable .* after it was seen/);
  });
  it('where nobody may push: the commands, and nothing else', async () => {
    await raised();
    world.git.readOnly = failure('GitWriteDenied', 'denied');
    const { code, message } = await rollback();
    expect(code).toBe(exitCodes.unauthorised);
    expect(message).toMatch(/nothing was changed.*GitWriteDenied/);
    expect(out).toMatch(
      /^git clone --branch main -- https:.*\ngit -C rollback revert --no-edit \w{40}\ngit -C rollback push/,
    );
    expect(world.data('one')).toEqual({ a: '2' });
  });
  it('of what other Applications read names them first', async () => {
    await raised();
    await world.create(
      world.application('other', { syncPolicy: {}, destination: { namespace: 'elsewhere' } }),
    );
    const { code, message } = await rollback();
    expect(code).toBe(1);
    expect(message).toMatch(/change 1 other resource as well.*--yes/);
    expect(said).toContain('Application argocd/other');
  });
  it('nothing to go back to, or no such number: says so', async () => {
    await synced();
    expect(await rollback()).toMatchObject({
      code: 1,
      message: expect.stringMatching(/no earlier deployment/),
    });
    expect(await rollback({}, '77')).toMatchObject({
      code: 1,
      message: expect.stringMatching(/no deployment 77/),
    });
  });
  it('a source that follows a commit has nothing to revert', async () => {
    await raised();
    await world.change(
      'web',
      (draft) => (draft.spec.source.targetRevision = world.state()!.revisions[0]!.commit),
    );
    expect(await rollback()).toMatchObject({
      code: 1,
      message: expect.stringMatching(/no branch.*targetRevision/),
    });
  });
});

describe('history and install', () => {
  it('history: deployments, and drift with its maker', async () => {
    await synced();
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'x'), 'rival');
    await world.settle();
    await historyCommand(['web'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/sync +main@/);
    expect(out).toMatch(/healed.*rival/);
  });
  it('install: what is absent is added, what is there is left as it is (F31)', async () => {
    const definitions = argoDefinitions;
    const theirs = {
      ...definitions[0]!,
      metadata: { name: definitions[0]!.metadata.name, labels: { by: 'somebody' } },
    };
    world.cluster.put(theirs);
    const before = world.cluster.get(
      'apiextensions.k8s.io/CustomResourceDefinition',
      '',
      theirs.metadata.name,
    );
    expect(await ended(install({ ...options, crds: true }, definitions, ports))).toEqual({
      code: 0,
      message: '',
    });
    expect(world.cluster.get('apiextensions.k8s.io/CustomResourceDefinition', '', theirs.metadata.name)).toBe(
      before,
    );
    expect(out).toMatch(/applications\.argoproj\.io is there already/);
    expect(out).toMatch(/appprojects\.argoproj\.io created/);
    expect((await ended(install(options, definitions, ports))).code).toBe(exitCodes.usage);
  });
});

describe('render: manifests without a cluster', () => {
  let directory = '';
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  };
  const defaults = { mirror: [], destNamespace: 'default', output: 'yaml' } as const;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'trueup-render-'));
    write('base/kustomization.yaml', 'resources: [a.yaml]\n');
    write('base/a.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: canary4711}\n');
    write('over/kustomization.yaml', 'resources: [../base]\nnamePrefix: p-\n');
    write(
      'app.yaml',
      'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\nspec:\n  source: {repoURL: https://x.example/y, path: over, kustomize: {nameSuffix: -s}}\n  destination: {namespace: n}\n',
    );
    write('bad/kustomization.yaml', 'resources: [none.yaml]\n');
    write('links/kustomization.yaml', 'resources: [l.yaml]\n');
    symlinkSync('/etc/hostname', path.join(directory, 'links/l.yaml'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('of a directory of this disk, with where they stand, and without the values of Secrets (S14)', async () => {
    await renderCommand({ ...defaults, repo: directory, path: 'over', origins: true }, ports);
    expect(out).toMatch(/^---\n# base\/a\.yaml:1\napiVersion: v1\n/);
    expect(out).toContain('name: p-a\n');
    expect(out).not.toContain('canary4711');
  });
  it('as an Application declares, as JSON, and with Secrets where that is asked for', async () => {
    const app = path.join(directory, 'app.yaml');
    await renderCommand({ ...defaults, repo: directory, app, output: 'json', showSecrets: true }, ports);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'List',
      items: [{ metadata: { name: 'p-a-s' }, stringData: { p: 'canary4711' } }],
    });
  });
  it('of a commit in Git', async () => {
    await world.start();
    await world.push([configMap('one')]);
    await renderCommand({ ...defaults, repo: repository, path: 'app' }, ports);
    expect(out).toContain('name: one\n');
  });
  it('of a chart that looks up: nothing is found, and a warning says so once', async () => {
    await world.start();
    await world.pushFiles({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'app/templates/map.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ lookup "v1" "Secret" "n" "s" | len | quote }}, b: {{ lookup "v1" "Secret" "n" "s" | len | quote }}}\n',
    });
    await renderCommand({ ...defaults, repo: repository, path: 'app' }, ports);
    expect(out).toContain('"0"');
    expect(said.split('LookupUnanswered')).toHaveLength(2);
  });
  it('that cannot be rendered: a line with the place, and an exit code', async () => {
    const end = await ended(renderCommand({ ...defaults, repo: directory, path: 'bad' }, ports));
    expect(end).toMatchObject({
      code: exitCodes.failed,
      message: expect.stringMatching(/bad\/kustomization\.yaml.*KustomizeFailed/),
    });
  });
  it('with a link that leads out: nothing of it is read (S2)', async () => {
    const end = await ended(renderCommand({ ...defaults, repo: directory, path: 'links' }, ports));
    expect(end.code).toBe(exitCodes.failed);
    expect(end.message).toMatch(/leads out/);
  });
});

describe('diff, get, tree and why', () => {
  it('diff: from what is there to what Git says, also where it is drift; 1, and 2 for what cannot be compared', async () => {
    await synced();
    world.crash();
    world.cluster.edit('ConfigMap', 'payments', 'one', (draft) => (draft.data.a = 'hand'), 'rival');
    const diff = (name: string) =>
      ended(diffCommand([name], { ...options, ...mirror, exitCode: true, output: 'table' }, ports));
    expect(await diff('web')).toEqual({ code: 1, message: '' });
    expect(out).toMatch(
      /^~ ConfigMap payments\/one {2}drifted\n +FIELD +BEFORE +AFTER +OWNER\n +\.data\.a +"hand" +"1" +rival/,
    );
    expect((await diff('nothing')).code).toBe(2);
  });
  it('get: every kind in one table; a word that means none is a wrong call', async () => {
    await synced();
    const get = (words: readonly string[], more: object = {}) =>
      ended(getCommand(words, { ...options, output: 'table', ...more }, ports));
    await get(['all']);
    expect(out).toMatch(/^KIND +NAMESPACE +NAME +READY.*\nApplication +argocd +web +True +no /);
    out = '';
    await get(['apps', 'web'], { output: 'name' });
    expect(out).toBe('application/argocd/web\n');
    out = '';
    await get(['applications'], { selector: 'team=x' });
    expect(out).toBe('');
    expect(said).toMatch(/no applications in namespace argocd/);
    expect((await get(['frobs'])).code).toBe(exitCodes.usage);
  });
  it.each([
    ['env in (prod,dev)', ['dev', 'prod']],
    ['env notin (prod)', ['dev', 'web']],
    ['env!=prod', ['dev', 'web']],
    ['!env', ['web']],
    ['env', ['dev', 'prod']],
  ])('-l %j selects the same for get and for app list', async (selector, expected) => {
    for (const [name, env] of [['web'], ['prod', 'prod'], ['dev', 'dev']] as const)
      world.cluster.put(world.application(name, {}, env === undefined ? {} : { labels: { env } }));
    const names = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => line.split('/').at(-1))
        .toSorted();
    await getCommand(['applications'], { ...options, output: 'name', selector }, ports);
    expect(names(out)).toEqual(expected);
    out = '';
    await appList({ ...options, output: 'name', selector }, ports);
    expect(names(out)).toEqual(expected);
  });
  it('a selector that cannot be read is a wrong call, before anything is asked', async () => {
    const selector = 'env in prod';
    const refused = {
      code: exitCodes.usage,
      message: expect.stringMatching(/has a part that is none: env in prod; write it as a=b/),
    };
    const mark = world.cluster.calls.length;
    expect(await ended(getCommand(['all'], { ...options, output: 'table', selector }, ports))).toEqual(
      refused,
    );
    expect(await ended(appList({ ...options, output: 'table', selector }, ports))).toEqual(refused);
    expect(world.cluster.calls.length).toBe(mark);
  });
  it('tree and why: what is declared; what it waits for', async () => {
    await synced();
    await treeCommand(['application/argocd/web'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(
      /^Application argocd\/web {2}ready\n├─ ConfigMap payments\/one .*\n└─ ConfigMap payments\/two /,
    );
    out = '';
    await suspendCommand(['web'], { ...options, reason: 'incident' }, ports);
    await world.settle();
    out = '';
    await whyCommand(['web'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/is suspended .*by ada at .*: incident; trueup resume web/);
    await resumeCommand(['application', 'web'], options, ports);
    await world.settle();
    out = '';
    await whyCommand(['web'], { ...options, output: 'table' }, ports);
    expect(out).toMatch(/waits for nothing/);
  });
  it.each([
    [['kustomization', 'apps'], 'Kustomization flux-system/apps'],
    [['source', 'git', 'team/apps'], 'GitRepository team/apps'],
    [['web'], 'Application argocd/web'],
    [['app', 'web'], 'Application argocd/web'],
    [['team/web'], 'Application team/web'],
    [['ks/apps'], 'Kustomization flux-system/apps'],
    [['kustomization/team/apps'], 'Kustomization team/apps'],
  ])('words of flux and of argocd: %j', (words, expected) => {
    const kinds = listedKinds([argoDialect('argocd'), fluxDialect()]);
    expect(describeRef(refOfWords(words, kinds, options))).toBe(expected);
  });
});

describe('health', () => {
  const certificate = (ready: string): string =>
    `apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: web, namespace: shop }
status: { conditions: [{ type: Ready, status: '${ready}', reason: Any, message: from the issuer }] }
`;
  const config = (lua: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm' },
      data: { 'resource.customizations.health.cert-manager.io_Certificate': lua },
    });
  const withFiles = (files: Readonly<Record<string, string>>): CommandPorts => ({
    ...ports,
    readFile: (name) => files[name] ?? readFileSync(name, 'utf8'),
  });

  it('prints status, message and the rule that decided', async () => {
    const files = withFiles({ 'c.yaml': certificate('False') });
    expect(await ended(healthCommand({ file: 'c.yaml', output: 'table' }, files))).toMatchObject({ code: 0 });
    expect(out).toBe(
      'Certificate shop/web: Progressing\n  from the issuer.\n  decided by the table of cert-manager.io/Certificate: Ready is False\n',
    );
  });
  it('runs the Lua of argocd-cm, and shows what it printed', async () => {
    const lua =
      'print(obj.metadata.name)\nreturn { status = "Degraded", message = obj.status.conditions[1].message }';
    const files = withFiles({ 'c.yaml': certificate('True'), 'cm.yaml': config(lua) });
    const options = { file: 'c.yaml', config: 'cm.yaml', output: 'json', exitCode: true } as const;
    expect(await ended(healthCommand(options, files))).toMatchObject({ code: 3 });
    expect(JSON.parse(out)).toEqual({
      object: {
        group: 'cert-manager.io',
        version: 'v1',
        kind: 'Certificate',
        namespace: 'shop',
        name: 'web',
      },
      status: 'Degraded',
      message: 'from the issuer.',
      rule: 'the Lua check of cm.yaml, resource.customizations.health.cert-manager.io_Certificate',
      printed: 'web\n',
    });
  });
  it('of a script that fails is Unknown, and names file, key and line (F23)', async () => {
    const files = withFiles({
      'c.yaml': certificate('True'),
      'cm.yaml': config('local a = 1\nreturn obj.x.y.z'),
    });
    await healthCommand({ file: 'c.yaml', config: 'cm.yaml', output: 'table' }, files);
    expect(out).toContain('Certificate shop/web: Unknown\n');
    expect(out).toContain('cm.yaml, resource.customizations.health.cert-manager.io_Certificate, line 2: ');
  });
  it('judges each object of a list, and several documents', async () => {
    const list = JSON.stringify({
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }],
    });
    const files = withFiles({ 'c.yaml': `${certificate('True')}---\n${list}\n` });
    await healthCommand({ file: 'c.yaml', output: 'json' }, files);
    expect(JSON.parse(out)).toMatchObject([
      { status: 'Healthy' },
      { status: 'Healthy', rule: 'the conventions of kstatus' },
    ]);
  });
  it.each([
    [{ 'c.yaml': '' }, /has no objects/],
    [{ 'c.yaml': 'a: b' }, /no object with apiVersion/],
    [{ 'c.yaml': certificate('True'), 'cm.yaml': certificate('True') }, /has no ConfigMap argocd-cm/],
  ])('of %o is refused', async (files, message) => {
    const result = await ended(
      healthCommand({ file: 'c.yaml', config: 'cm.yaml', output: 'table' }, withFiles(files)),
    );
    expect(result).toEqual({ code: 64, message: expect.stringMatching(message) });
  });
});
