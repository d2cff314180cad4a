/** The command line on Flux's kinds: the verbs of an Application, said of a Kustomization. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitAt } from '../git-server/git.ts';
import { configMap, yaml } from './manifests.ts';
import { runToEnd, trueupProgram, type Finished } from './trueup-process.ts';
import { gitRepositoryKind, kustomizationKind, useWorld, waitFor, type Place } from './world.ts';

// Of its own: while others show what a Lease of Flux's controllers does, nothing of Flux's kinds is reconciled.
const world = useWorld({ controlNamespace: 'flux-system' });

const settings = (value: string) => ({ 'app/settings.yaml': yaml(configMap('settings', { value })) });
const ref = ({ name }: Place): string => `kustomization/${world.controlNamespace}/${name}`;
const statusOf = async ({ name }: Place, kind = kustomizationKind) =>
  (await world.api.get(kind, world.controlNamespace, name))?.['status'] ?? {};
const valueOf = async (place: Place): Promise<string> =>
  (await place.live('v1/ConfigMap', 'settings'))['data'].value as string;

async function declare(place: Place, more: object = {}): Promise<void> {
  const metadata = { name: place.name, namespace: world.controlNamespace };
  const sourceRef = { kind: 'GitRepository', name: place.name };
  await world.api.create({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '1h', url: place.repository.url, ref: { branch: 'main' } },
  });
  await world.api.create({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata,
    spec: {
      interval: '1h',
      path: './app',
      prune: true,
      targetNamespace: place.namespace,
      sourceRef,
      ...more,
    },
  });
}
const applied = (place: Place, commit: string): Promise<unknown> =>
  waitFor(
    `${place.name} to be applied at ${commit.slice(0, 8)}`,
    async () => (await statusOf(place)).lastAppliedRevision === `main@sha1:${commit}`,
    { seen: () => statusOf(place) },
  );

describe('on a Kustomization', () => {
  it('diff, history, tree, why and get say what they say of an Application', async () => {
    const place = await world.place();
    const commit = await place.push(settings('1'));
    await declare(place);
    await applied(place, commit);
    const clean = await world.trueup('diff', ref(place));
    expect(clean, clean.stderr).toMatchObject({ code: 0, stdout: '' });
    const history = await world.trueup('history', 'kustomization', place.name);
    expect(history.stdout, history.stderr).toMatch(/ sync +main@[0-9a-f]{8} .* applied 1\n$/);
    const tree = await world.trueup('tree', 'ks', place.name);
    expect(tree.stdout, tree.stderr).toMatch(/ ready\n└─ ConfigMap .*\/settings /);
    const why = await world.trueup('why', ref(place));
    expect(why.stdout, why.stderr).toMatch(/waits for nothing/);
    const listed = await world.trueup('get', 'sources', 'git', place.name);
    expect(listed.stdout, listed.stderr).toMatch(/GitRepository .* True +no +main@sha1:[0-9a-f]{8} +stored/);

    await world.trueup('suspend', ref(place));
    await place.push(settings('2'));
    const differs = await world.trueup('diff', ref(place));
    expect(differs, differs.stderr).toMatchObject({ code: 1 });
    expect(differs.stdout).toMatch(
      /^~ ConfigMap .*\/settings[\s\S]*\.data\.value +"1" +"2" +kustomize-controller/,
    );
  });

  it('rollback reverts in Git, and waits until that is applied', async () => {
    const place = await world.place();
    const first = await place.push(settings('1'), { message: 'Begin' });
    await declare(place);
    await applied(place, first);
    await applied(place, await place.pushAndHint(settings('2'), { message: 'Raise it' }));
    const shown = await world.trueup('rollback', ref(place), '--dry-run');
    expect(shown, shown.stderr).toMatchObject({ code: 0 });
    expect(shown.stdout).toMatch(/^git clone --branch main[\s\S]*git -C rollback revert --no-edit/);
    expect(await valueOf(place)).toBe('2');
    await gitAt(world.git.repositoryPath(place.name), 'config', 'http.receivepack', 'true');
    const done = await world.trueup('rollback', ref(place), '--to', '1', '--reason', 'it is slow');
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(done.stdout).toMatch(/reverted 1 commit, as main@[0-9a-f]{8}; stable .* after it was seen/);
    expect(await valueOf(place)).toBe('1');
    await place.repository.git('fetch', '--quiet', 'origin');
    const log = await place.repository.git('log', '-1', '--format=%B', 'origin/main');
    expect(log).toContain(`Kustomization: ${world.controlNamespace}/${place.name}`);
    expect(log).toContain(`Back-to: ${first}`);
    const source = await statusOf(place, gitRepositoryKind);
    expect(source.artifact.revision).toBe((await statusOf(place)).lastAppliedRevision);
    const one = await world.trueup('get', 'kustomization', place.name);
    expect(one.stdout, one.stderr).toMatch(
      /\n\nLast Rollback: +main@[0-9a-f]{8} at \S+; a revert, stable .* after it was seen\n$/,
    );
  });

  it('resume has it go on with what was pushed while it was suspended', async () => {
    const place = await world.place();
    const first = await place.push(settings('1'));
    await declare(place);
    await applied(place, first);
    const suspended = await world.trueup('suspend', ref(place), '--reason', 'incident 42');
    expect(suspended, suspended.stderr).toMatchObject({ code: 0 });
    const commit = await place.pushAndHint(settings('2'));
    await waitFor(
      'its source to have the commit',
      async () => (await statusOf(place, gitRepositoryKind)).artifact?.revision === `main@sha1:${commit}`,
    );
    expect(await valueOf(place)).toBe('1');
    const why = await world.trueup('why', ref(place));
    const [, words = ''] = /incident 42; trueup resume (\S+) goes on/.exec(why.stdout) ?? [];
    const resumed = await world.trueup('resume', words);
    expect(resumed, resumed.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Kustomization .* is resumed\n$/),
    });
    await applied(place, commit);
    expect(await valueOf(place)).toBe('2');
    const { metadata, spec } = (await world.api.get(kustomizationKind, world.controlNamespace, place.name))!;
    expect(metadata.annotations?.['trueup.dev/suspended']).toBeUndefined();
    expect(spec).toMatchObject({ suspend: false });
    const again = await world.trueup('resume', words);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/is not suspended/) });
  });

  it('events: of it and of its objects, and of no others', async () => {
    const place = await world.place();
    const commit = await place.push(settings('1'));
    await declare(place);
    await applied(place, commit);
    const about = (kind: string, namespace: string, name: string, apiVersion: string) =>
      world.api.create({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${kind.toLowerCase()}-${name}.1`, namespace },
        involvedObject: { apiVersion, kind, namespace, name },
        type: 'Warning',
        reason: 'Noted',
        message: `about ${kind} ${name}`,
        lastTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        source: { component: 'scenario' },
      });
    const flux = 'kustomize.toolkit.fluxcd.io/v1';
    await about('ConfigMap', place.namespace, 'settings', 'v1');
    await about('ConfigMap', place.namespace, 'another', 'v1');
    await about('Kustomization', world.controlNamespace, place.name, flux);
    await about('Kustomization', world.controlNamespace, `${place.name}-other`, flux);
    const events = await world.trueup('events', ref(place));
    expect(events, events.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(events.stdout).toContain('about ConfigMap settings\n');
    expect(events.stdout).toContain(`about Kustomization ${place.name}\n`);
    expect(events.stdout).not.toContain('another');
    expect(events.stdout).not.toContain('-other');
  });

  it('why goes down a chain of dependsOn; of a source it says what it has', async () => {
    const place = await world.place();
    await place.push(settings('1'));
    await declare(place, { dependsOn: [{ name: `${place.name}-before` }] });
    await waitFor(
      'it to wait',
      async () =>
        (await statusOf(place)).conditions?.some(
          ({ reason }: Record<string, string>) => reason === 'DependencyNotReady',
        ),
      { seen: () => statusOf(place) },
    );
    const why = await world.trueup('why', ref(place));
    expect(why, why.stderr).toMatchObject({ code: 0 });
    expect(why.stdout).toMatch(
      /^Kustomization .*: waits for Kustomization .*-before, on which it depends\n {2}← Kustomization .*-before: is not there\n$/,
    );
    const source = await world.trueup('why', 'source', 'git', place.name);
    expect(source, source.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^GitRepository .*: waits for nothing: stored artifact for revision 'main@sha1:/,
      ),
    });
  });

  it('report counts its deployments, its drift, and what of the cluster it explains', async () => {
    const place = await world.place();
    const first = await place.push(settings('1'));
    await declare(place);
    await applied(place, first);
    const edit = ['patch', 'configmap', 'settings', '-p', '{"data":{"value":"x"}}', '-n', place.namespace];
    expect((await world.kubectl(...edit)).code).toBe(0);
    await waitFor('the drift to be healed', async () => (await valueOf(place)) === '1');
    const second = await place.pushAndHint(settings('2'));
    await applied(place, second);
    const stray = ['create', 'configmap', 'stray', '--from-literal=a=1', '-n', place.namespace];
    expect((await world.kubectl(...stray)).code).toBe(0);

    const report = (...args: readonly string[]): Promise<Finished> => {
      const server = ['--server', world.origin, '--data-dir', join(world.directory, 'data')];
      return runToEnd(trueupProgram, ['report', ...server, '--app', ref(place), ...args]);
    };
    const reported = async () => {
      const { code, stdout, stderr } = await report('--events', '-o', 'json');
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const made = await waitFor('all of it in the report', async () => {
      const now = await reported();
      const isThere = now.deployments.count === 2 && now.drift.healed === 1 && now.objects.objects === 2;
      return isThere ? now : undefined;
    });
    const owner = { kind: 'Kustomization', namespace: world.controlNamespace, name: place.name };
    expect(made.deployments).toMatchObject({ succeeded: 2, failed: 0, successRate: 1 });
    expect(made.events.deployments).toMatchObject([
      { owner, revisions: [{ label: `main@${first.slice(0, 8)}` }] },
      { owner, revisions: [{ label: `main@${second.slice(0, 8)}` }] },
    ]);
    expect(made.drift).toMatchObject({ incidents: 1, healed: 1, open: 0 });
    expect(made.events.drift).toMatchObject([
      {
        owner,
        object: { kind: 'ConfigMap', name: 'settings' },
        fields: ['.data.value'],
        ended: { how: 'healed' },
      },
    ]);
    expect(made.objects).toMatchObject({
      objects: 2,
      explained: 1,
      groups: [{ kind: 'ConfigMap', why: 'unknown', count: 1, examples: ['stray'] }],
    });
    expect((await report()).stdout).toMatch(/^live objects explained by Git +50\.0 % \(1 of 2 /m);
  });

  it('terminate ends a Run that waits, and the rest of its steps is not begun', async () => {
    const place = await world.place();
    const none = await world.trueup('terminate', ref(place));
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/no Kustomization/) });
    // It is being deleted and does not go: a Run waits until it is gone.
    const held = { namespace: place.namespace, finalizers: ['scenario.example/hold'] };
    await world.api.create(configMap('settings', { value: 'old' }, held));
    await world.api.remove('v1/ConfigMap', place.namespace, 'settings');
    await place.push(settings('1'));
    await declare(place);
    await waitFor(
      'the Run to wait',
      async () => {
        const { conditions = [] } = await statusOf(place);
        return conditions.some(
          ({ reason, message }: Record<string, string>) =>
            reason === 'Progressing' && message?.startsWith('waiting until') === true,
        );
      },
      { seen: () => statusOf(place) },
    );
    const ended = await world.trueup('terminate', ref(place), '--timeout', '30');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/failed: .*terminated/);
    const found = await world.api.get(kustomizationKind, world.controlNamespace, place.name);
    expect(Object.keys(found?.metadata.annotations ?? {})).not.toContain('trueup.dev/terminate');
    await world.api.patch('v1/ConfigMap', place.namespace, 'settings', { metadata: { finalizers: null } });
  });
});
