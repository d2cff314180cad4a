import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { ClusterView, Repositories } from '#model/ports.ts';
import type { HelmRender, KustomizeRender, SourceSpec, Unit } from '#model/unit.ts';
import { failure, openGitRoom, value, type GitRoom } from '../../../tests/git-server/git-room.ts';
import { createWorkTree, type WorkTree } from '../../../tests/git-server/server.ts';
import { renderInputs, type RenderedInputs } from '../render/inputs.ts';
import { emptyCluster } from '../render/repository.fixture.ts';
import { rendererOn } from '../render/renderer.ts';
import { Rendering } from '../render/rendering.ts';
import { loadModule } from '../render/wasm-module.ts';
import { Changes } from './dependence.ts';
import { locate, readOf } from './locate.ts';

const { module, version } = await loadModule(256);
const rendering = new Rendering(module, systemClock, systemRandom);
const renderer = rendererOn({
  render: (request) => Promise.resolve(rendering.render(request)),
  version: () => Promise.resolve(version),
});

const map = (name: string, value = '1'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: "${value}"}\n`;
const kustomize: KustomizeRender = { kind: 'kustomize', loadRestriction: 'root', edits: {} };
const helm: HelmRender = { kind: 'helm', releaseName: 'r', namespace: 'n', values: {} };

let room: GitRoom;
let own: WorkTree;
let base: WorkTree;

beforeEach(async () => {
  room = await openGitRoom();
  own = await createWorkTree(room.server, 'own');
  base = await createWorkTree(room.server, 'base');
  await push(base, {
    'web/kustomization.yaml': 'resources: [web.yaml]\n',
    'web/web.yaml': map('web'),
    'web/settings.txt': 'a=1\n',
  });
});
afterEach(() => room.close());

async function push(tree: WorkTree, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) await tree.write(name, content);
  const commit = await tree.commit('change');
  await tree.push();
  return commit;
}

function unitOf({
  allowed,
  render = kustomize,
}: {
  readonly allowed?: readonly string[];
  readonly render?: KustomizeRender | HelmRender;
} = {}): Unit {
  return {
    id: 'u',
    inputs: [{ source: { kind: 'git', url: own.url, ref: { branch: 'main' } }, path: 'app', render }],
    remotes: { rule: 'the rules', logins: [], ...(allowed === undefined ? {} : { allowed }) },
    target: {},
    tracking: { owner: 'u' },
    limits: {},
  } as unknown as Unit;
}

async function render(
  unit = unitOf(),
  state?: Parameters<typeof locate>[0]['state'],
  view: ClusterView = emptyCluster,
) {
  const located = value(await locate({ unit, state, view }, { ...room, overriding: argoOverriding }));
  return renderInputs(unit, located, { repositories: room.repositories, renderer, view });
}
async function app(kustomization: string, unit = unitOf()): Promise<Result<RenderedInputs>> {
  await push(own, { 'app/kustomization.yaml': kustomization });
  await room.repositories.fetch(unit.inputs[0]!.source);
  return render(unit);
}
const seen = (result: Result<RenderedInputs>): readonly string[] =>
  value(result).objects.map(({ manifest }) => `${manifest.metadata.name}=${(manifest['data'] as any).a}`);
const asState = ({ located }: RenderedInputs) => ({
  revisions: located.revisions,
  inputs: located.digest,
  read: readOf(located)!,
});

describe('a remote base', () => {
  test('of a tag is read at that tag, and its objects say where they come from', async () => {
    await base.tag('v1', 'annotated');
    await base.push();
    await push(base, { 'web/web.yaml': map('web', '2') });
    const rendered = await app(`namePrefix: p-\nresources:\n- ${base.url}//web?ref=v1\n`);
    expect(seen(rendered)).toEqual(['p-web=1']);
    expect(value(rendered).objects[0]!.at).toEqual({ path: `${base.url}//web/web.yaml?ref=v1`, line: 1 });
  });

  test.each(['?ref=main', '', '?version=main&timeout=90s', '?submodules=false'])(
    'with %s follows the branch',
    async (query) => {
      const unit = unitOf();
      const first = await app(`resources: ['${base.url}//web${query}']\n`);
      expect(seen(first)).toEqual(['web=1']);
      await push(base, { 'web/web.yaml': map('web', '2') });
      await room.repositories.fetch({ kind: 'git', url: base.url, ref: { name: 'HEAD' } });
      const [input] = value(first).located.inputs;
      expect(
        await new Changes(room.repositories).unchangedAt(unit, input!, input!.revision.commit),
      ).toBeUndefined();
      expect(seen(await render(unit, asState(value(first))))).toEqual(['web=2']);
    },
  );

  test('is remembered with its commit; another commit with the same files is the same input', async () => {
    const commit = await base.head();
    const first = value(await app(`resources: ['${base.url}//web?ref=main']\n`));
    const [read] = readOf(first.located)!;
    expect(read!.remotes).toEqual([
      {
        url: base.url,
        ref: 'main',
        commit,
        files: ['web/kustomization.yaml', 'web/web.yaml'],
        listings: [],
        absent: ['web/Kustomization', 'web/kustomization.yml'],
      },
    ]);
    const state = asState(first);
    const moved = await push(base, { 'README.md': 'x' });
    await room.repositories.fetch({ kind: 'git', url: base.url, ref: { name: 'HEAD' } });
    const again = value(await locate({ unit: unitOf(), state }, { ...room, overriding: argoOverriding }));
    expect(again.digest).toBe(first.located.digest);
    expect(again.inputs[0]!.read!.remotes![0]!.commit).toBe(moved);

    const elsewhere = await push(own, { 'README.md': 'x' });
    await room.repositories.fetch(unitOf().inputs[0]!.source);
    let looks = 0;
    const { repositories: real } = room;
    const repositories = {
      resolve: (spec: SourceSpec) => real.resolve(spec),
      changedPaths: (...asked: Parameters<typeof real.changedPaths>) => real.changedPaths(...asked),
      look: (...asked: Parameters<typeof real.look>) => {
        looks += 1;
        return real.look(...asked);
      },
    } as Repositories;
    const known = (await new Changes(repositories).unchangedAt(
      unitOf(),
      first.located.inputs[0]!,
      elsewhere,
    ))!;
    expect(known.read!.remotes![0]!.commit).toBe(moved);
    expect(looks).toBe(2);
    const next = await push(own, { 'README.md': 'y' });
    await room.repositories.fetch(unitOf().inputs[0]!.source);
    expect(await new Changes(repositories).unchangedAt(unitOf(), known, next)).toMatchObject({
      same: { commit: next },
    });
    expect(looks).toBe(2);
    const then = value(
      await locate({ unit: unitOf(), state, when: 'then' }, { ...room, overriding: argoOverriding }),
    );
    expect(then.inputs[0]!.read!.remotes![0]!.commit).toBe(commit);
  });

  test('of a commit is read at that commit, and nothing is fetched again', async () => {
    const commit = await base.head();
    await push(base, { 'web/web.yaml': map('web', '2') });
    const first = await app(`resources: ['${base.url}//web?ref=${commit}']\n`);
    expect(seen(first)).toEqual(['web=1']);
    room.server.resetCounts();
    expect(seen(await render(unitOf(), asState(value(first))))).toEqual(['web=1']);
    expect(room.server.counts()).toMatchObject({ requests: 0 });
  });

  test('of several Units is fetched once', async () => {
    await push(own, { 'app/kustomization.yaml': `resources: ['${base.url}//web']\n` });
    value(await render());
    room.server.resetCounts();
    value(await render(unitOf({ render: { ...kustomize, edits: { namePrefix: 'p-' } } })));
    expect(room.server.counts()).toMatchObject({ requests: 0 });
  });

  test('may be a component, in `bases`, and name its own and other repositories in turn', async () => {
    const third = await createWorkTree(room.server, 'third');
    await push(third, {
      'kustomization.yaml': 'resources: [third.yaml]\n',
      'third.yaml': map('third'),
      'part/kustomization.yaml':
        'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -s\n',
    });
    await push(base, {
      'all/kustomization.yaml': `bases: [../web]\nresources: ['${third.url}']\n`,
    });
    const rendered = await app(
      `bases: ['git::${base.url}//all']\ncomponents: ['${third.url}//part?ref=main']\n`,
    );
    expect(seen(rendered).toSorted()).toEqual(['third-s=1', 'web-s=1']);
  });

  test('in a circle is refused', async () => {
    await push(base, { 'web/kustomization.yaml': `resources: ['${base.url}//web']\n` });
    expect(failure(await app(`resources: ['${base.url}//web']\n`))).toMatchObject({
      code: 'KustomizeFailed',
    });
  });

  test('with more than 32 repositories is refused', async () => {
    const entries = Array.from({ length: 33 }, (_, index) => `'${base.url}//web?ref=b${index}'`);
    for (const index of entries.keys()) await base.git('branch', `b${index}`);
    await base.git('push', '-q', '--all', 'origin');
    expect(failure(await app(`resources: [${entries.join(', ')}]\n`))).toMatchObject({
      code: 'Unsupported',
      at: { path: 'app/kustomization.yaml', line: 1 },
    });
  });

  test('is written into origin annotations as the command does', async () => {
    const rendered = value(
      await app(`buildMetadata: [originAnnotations]\nresources: ['${base.url}//web?ref=main']\n`),
    );
    expect(rendered.objects[0]!.manifest.metadata.annotations).toEqual({
      'config.kubernetes.io/origin': `path: web/web.yaml\nrepo: ${base.url}\nref: main\n`,
    });
  });
});

describe('what may be named', () => {
  test('is what the rules of the Unit allow (S7)', async () => {
    const kustomization = `resources:\n# Theirs.\n- ${base.url}//web?ref=main\n`;
    const denied = failure(await app(kustomization, unitOf({ allowed: [own.url] })));
    expect(denied).toMatchObject({
      kind: 'blocked',
      code: 'RemoteBaseDenied',
      at: { path: 'app/kustomization.yaml', line: 3 },
      hint: expect.stringContaining('the rules'),
    });
    expect(denied.message).toContain(base.url);
    expect(room.server.counts('base').requests).toBe(0);
    expect(seen(await render(unitOf({ allowed: [`${room.server.origin}/*`] })))).toEqual(['web=1']);
  });

  test.each([
    ['with an upper-case host', (url: string) => url.replace('127.0.0.1', 'LOCALHOST'), 'localhost'],
    ['with dots', (url: string) => url.replace('/base', '/x/../base'), '127.0.0.1'],
    ['with encoded dots', (url: string) => url.replace('/base', '/x/%2E%2e/base'), '127.0.0.1'],
  ])('an address %s does not come past what is denied (S7)', async (_what, spelling, host) => {
    const origin = room.server.origin.replace('127.0.0.1', host);
    const unit = unitOf({ allowed: ['*', `!${origin}/base`] });
    const denied = failure(await app(`resources: ['${spelling(base.url)}//web']\n`, unit));
    expect(denied.code).toBe('RemoteBaseDenied');
  });

  test('is read with the login of its address, and with no other', async () => {
    await push(own, { 'app/kustomization.yaml': `resources: ['${base.url}//web']\n` });
    const login = { username: 'ada', password: 'secret-1' };
    room.server.setAuth(login);
    await room.reopen({ secrets: () => login });
    const secret = (name: string) => ({ namespace: 'argocd', name });
    const open = unitOf();
    const [input] = open.inputs;
    const source = { ...input!.source, credentials: secret('own') };
    const without = { ...open, inputs: [{ ...input!, source }] };
    expect(failure(await render(without))).toMatchObject({
      code: 'GitAuthenticationFailed',
      message: expect.stringContaining(base.url),
      at: { path: 'app/kustomization.yaml', line: 1 },
    });
    const logins = [{ url: `${room.server.origin}/base`, isPrefix: true, secret: secret('base') }];
    expect(seen(await render({ ...without, remotes: { rule: '', logins } }))).toEqual(['web=1']);
  });

  test('is read where its address is spelled otherwise', async () => {
    const spelled = base.url.replace('http://127.0.0.1', 'HTTP://LOCALHOST');
    const rendered = value(await app(`resources: ['${spelled}//web?ref=main']\n`));
    expect(readOf(rendered.located)![0]!.remotes![0]!.url).toBe(base.url.replace('127.0.0.1', 'localhost'));
    expect(seen(await render(unitOf(), asState(rendered)))).toEqual(['web=1']);
  });

  test('is checked again when the rules change', async () => {
    const first = value(await app(`resources: ['${base.url}//web']\n`));
    const again = await render(unitOf({ allowed: [own.url] }), asState(first));
    expect(failure(again).code).toBe('RemoteBaseDenied');
  });

  test('a remote base that is allowed names one that is not', async () => {
    const third = await createWorkTree(room.server, 'third');
    await push(base, { 'web/kustomization.yaml': `resources:\n- '${third.url}//x'\n` });
    const unit = unitOf({ allowed: [own.url, base.url] });
    expect(failure(await app(`resources: ['${base.url}//web?ref=main']\n`, unit))).toMatchObject({
      code: 'RemoteBaseDenied',
      at: { path: `${base.url}//web/kustomization.yaml?ref=main`, line: 2 },
    });
  });

  test.each([
    ['ssh', 'ssh://git@git.example/a/b.git//web', 'GitUnreachable'],
    ['the short form of ssh', 'git@git.example:a/b.git//web', 'GitUnreachable'],
    ['a directory of this machine', 'file:///tmp/repository.git', 'UnsupportedGitUrl'],
    ['credentials in the address', 'https://ada:secret-1@git.example/a/b//web', 'UnsupportedGitUrl'],
    ['metadata of the machine', 'http://169.254.169.254/a/b//web', 'ForbiddenGitHost'],
    ['a file over https', 'https://git.example/a/b/main/install.yaml', 'Unsupported'],
    ['an address without a scheme', 'git.example/a/b//web', 'Unsupported'],
    ['submodules', 'https://git.example/a/b//web?submodules=true', 'Unsupported'],
    ['a password in the address of ssh', 'ssh://ada:secret-1@git.example/a/b//web', 'UnsupportedGitUrl'],
  ])('%s is refused', async (_what, entry, code) => {
    const refused = failure(await app(`resources:\n- ${entry}\n`));
    expect(refused).toMatchObject({ code, at: { path: 'app/kustomization.yaml', line: 2 } });
    expect(JSON.stringify(refused)).not.toContain('secret-1');
  });

  test('plain http is refused where the source itself is encrypted', async () => {
    room = await reopenWithMirror();
    const unit = unitOf();
    const source = { ...unit.inputs[0]!.source, url: 'https://git.example/own.git' };
    const encrypted = { ...unit, inputs: [{ ...unit.inputs[0]!, source }] };
    expect(failure(await app(`resources: ['${base.url}//web']\n`, encrypted))).toMatchObject({
      code: 'UnsupportedGitUrl',
      message: expect.stringContaining('not encrypted'),
    });
  });

  async function reopenWithMirror(): Promise<GitRoom> {
    await room.reopen({ mirrors: [{ from: 'https://git.example/', to: `${room.server.origin}/` }] });
    return room;
  }
});

describe('a remote stays in its repository (S2)', () => {
  test.each([
    ['a directory above', 'resources: [../../../../app/secret]\n', 'root'],
    ['a file above', 'configMapGenerator: [{name: g, files: [../../../app/secret.txt]}]\n', 'root'],
    [
      'a file above, where files above are allowed',
      'configMapGenerator: [{name: g, files: [../settings.txt]}]\n',
      'none',
    ],
    [
      'a file of the source',
      'configMapGenerator: [{name: g, files: [../../../../app/secret.txt]}]\n',
      'none',
    ],
    [
      'a configuration with a file above',
      'generators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: g}\n  files: [../../../../app/secret.txt]\n',
      'none',
    ],
  ] as const)('%s is refused', async (_what, kustomization, loadRestriction) => {
    await push(own, {
      'app/secret.txt': 'x',
      'app/secret/kustomization.yaml': 'resources: [x.yaml]\n',
      'app/secret/x.yaml': map('x'),
    });
    await push(base, { 'web/kustomization.yaml': kustomization, 'settings.txt': 'x' });
    const unit = unitOf({ render: { ...kustomize, loadRestriction } });
    const refused = failure(await app(`resources: ['${base.url}//web']\n`, unit));
    expect(refused.at!.path).toBe(`${base.url}//web/kustomization.yaml`);
    expect(refused.message).toMatch(
      /leads out of its repository|not below its directory|above its directory/,
    );
    expect(refused.message).not.toContain('.git/remotes');
  });

  test('a link that leads out is refused', async () => {
    await base.link('web/out.yaml', '../../own/app/x.yaml');
    await push(base, { 'web/kustomization.yaml': 'resources: [out.yaml]\n' });
    expect(failure(await app(`resources: ['${base.url}//web']\n`)).code).toBe('BadSymbolicLink');
  });

  test('the source does not reach into it by a path', async () => {
    await app(`resources: ['${base.url}//web']\n`);
    const rendered = await app(
      `resources: ['${base.url}//web']\ncomponents: [../.git/remotes/0123456789abcdef/web]\n`,
    );
    expect(failure(rendered).code).toBe('KustomizeFailed');
  });
});

describe('a dependency of a chart', () => {
  const chart = (name: string, more = ''): string => `apiVersion: v2\nname: ${name}\nversion: 1.2.3\n${more}`;
  const unit = () => unitOf({ render: helm });
  const needs = async (repository: string, version = '1.x'): Promise<Result<RenderedInputs>> => {
    await push(own, {
      'app/Chart.yaml': chart(
        'app',
        `dependencies:\n- name: common\n  version: ${version}\n  repository: ${repository}\n`,
      ),
      'app/templates/a.yaml': map('app'),
    });
    await room.repositories.fetch(unit().inputs[0]!.source);
    return render(unit());
  };
  beforeEach(() =>
    push(base, {
      'charts/common/Chart.yaml': chart(
        'common',
        'dependencies:\n- {name: deep, version: "*", repository: "file://../deep"}\n',
      ),
      'charts/common/templates/b.yaml': map('common', '{{ .Values.a }}'),
      'charts/common/values.yaml': 'a: from-git\n',
      'charts/deep/Chart.yaml': chart('deep'),
      'charts/deep/templates/c.yaml': map('deep'),
    }),
  );

  test.each(['charts?ref=main', 'charts/common', '/charts/common/?ref=main&sparse=0&depupdate=0'])(
    'is read from @%s of another repository',
    async (where) => {
      const rendered = await needs(`git+${base.url}@${where}`);
      expect(seen(rendered).toSorted()).toEqual(['app=1', 'common=from-git', 'deep=1']);
    },
  );

  test('must be in the range of versions', async () => {
    expect(failure(await needs(`git+${base.url}@charts`, '2.x'))).toMatchObject({
      code: 'HelmFailed',
      message: expect.stringMatching(/common has version 1\.2\.3/),
      at: { path: 'app/Chart.yaml', line: 7 },
    });
  });

  test('may look things up: they are read, and what is refused is named where it stands', async () => {
    const asks = '{{ lookup "v1" "ConfigMap" "n" "s" | len }}';
    await push(base, { 'charts/common/templates/b.yaml': map('common', asks) });
    const first = value(await needs(`git+${base.url}@charts`));
    expect(seen(ok(first))).toContain('common=0');
    const [read] = readOf(first.located)!;
    expect(read).toMatchObject({ lookups: ['["v1","ConfigMap","n","s"]'], remotes: [{ url: base.url }] });
    const question = { unit: unit(), state: asState(first), view: emptyCluster };
    expect(value(await locate(question, { ...room, overriding: argoOverriding })).digest).toBe(
      first.located.digest,
    );
    const denied = {
      kind: 'blocked',
      code: 'LookupForbidden',
      stage: 'render',
      message: '',
      hint: '',
    } as const;
    const view = { ...emptyCluster, lookUp: () => Promise.resolve(fail(denied)) };
    expect(failure(await render(unit(), undefined, view))).toMatchObject({
      code: 'LookupForbidden',
      at: { path: 'app/charts/common/templates/b.yaml', line: 4 },
    });
  });

  test('is denied by the same rules (S7)', async () => {
    await needs(`git+${base.url}@charts`);
    expect(failure(await render(unitOf({ render: helm, allowed: [own.url] })))).toMatchObject({
      code: 'RemoteBaseDenied',
      at: { path: 'app/Chart.yaml', line: 7 },
    });
  });

  test('does not lead out of its repository (S2)', async () => {
    await push(base, {
      'charts/common/Chart.yaml': chart(
        'common',
        'dependencies:\n- {name: app, version: "*", repository: "file://../../../../../app"}\n',
      ),
    });
    expect(failure(await needs(`git+${base.url}@charts`))).toMatchObject({
      code: 'HelmFailed',
      at: { path: `${base.url}//charts/common/Chart.yaml` },
    });
  });

  test.each([
    ['an alias of a chart repository', 'alias:stable', 'Unsupported'],
    ['a chart repository that is not read here', 'https://charts.example', 'UnsupportedRegistry'],
    ['a registry that is not read here', 'oci://registry.example/charts', 'UnsupportedRegistry'],
    ['Git over ssh', 'git+ssh://git@git.example/a/b@charts', 'GitUnreachable'],
    ['a directory of this machine', 'git+file:///tmp/x@charts', 'UnsupportedGitUrl'],
    ['an option that is not known', 'git+https://git.example/a/b@charts?package=0', 'Unsupported'],
  ])('from %s is refused', async (_what, repository, code) => {
    expect(failure(await needs(repository))).toMatchObject({ code, at: { path: 'app/Chart.yaml' } });
  });
});
