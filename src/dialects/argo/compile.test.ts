/** Applications → Units: goldens of whole ones, tables of the single rules. */
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Lookup } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { Unit } from '#model/unit.ts';
import { argoDialect } from './application.ts';

const goldens = path.join(import.meta.dirname, 'goldens');
const dialect = argoDialect('argocd');

function lookupOf(manifests: readonly Manifest[]): Lookup {
  const byKey = new Map(manifests.map((manifest) => [keyText(refOf(manifest)), manifest]));
  return {
    get: (key) => byKey.get(keyText(key)),
    list: (group, kind, namespace) =>
      manifests.filter((manifest) => {
        const ref = refOf(manifest);
        return (
          ref.group === group && ref.kind === kind && (namespace === undefined || ref.namespace === namespace)
        );
      }),
  };
}
function compile(resource: Manifest, manifests: readonly Manifest[] = []): Unit {
  const [unit, ...more] = dialect.compile(resource, lookupOf(manifests));
  expect(more).toEqual([]);
  return unit!;
}
function application(spec: object = {}, metadata: object = {}, more: object = {}): Manifest {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'web', namespace: 'argocd', uid: 'u', ...metadata },
    spec: {
      project: 'default',
      source: { repoURL: 'https://git.example/web', path: 'app', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'web' },
      ...spec,
    },
    ...more,
  };
}
const withSource = (source: object): Manifest =>
  application({ source: { repoURL: 'https://git.example/web', path: 'app', ...source } });
const codes = ({ unsupported }: Unit): readonly string[] => unsupported.map(({ code }) => code);
const said = ({ unsupported }: Unit): string => unsupported.map(({ message }) => message).join('\n');

describe('goldens', () => {
  const cases = readdirSync(goldens).filter((name) => existsSync(path.join(goldens, name, 'input.yaml')));

  it.each(cases)('%s', async (name) => {
    const read = (file: string): string => readFileSync(path.join(goldens, name, file), 'utf8');
    const lookup = existsSync(path.join(goldens, name, 'lookup.yaml'))
      ? parseAllDocuments(read('lookup.yaml')).map((document) => document.toJS() as Manifest)
      : [];
    const unit = compile(parse(read('input.yaml')) as Manifest, lookup);
    await expect(`${JSON.stringify(unit, null, 2)}\n`).toMatchFileSnapshot(
      path.join(goldens, name, 'unit.json'),
    );
  });
  it('the published Applications are honoured whole', () => {
    for (const name of cases.filter((text) => text.startsWith('seed-'))) {
      const unit = compile(parse(readFileSync(path.join(goldens, name, 'input.yaml'), 'utf8')) as Manifest);
      expect(unit.unsupported, name).toEqual([]);
      expect(unit.sync, name).toMatchObject({
        trigger: 'automatic',
        prune: true,
        selfHeal: true,
        allowEmpty: false,
      });
    }
  });
});

const statusRule = { group: '*', kind: '*', pointers: ['/status'], managers: [] };

describe('ignoreDifferences', () => {
  const settings = (data: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data,
  });
  it('of the Application and of the installation, for kinds of any group, of the core group, and for all', () => {
    const own = { group: 'apps', kind: 'Deployment', name: 'web', jsonPointers: ['/spec/replicas'] };
    const prefix = 'resource.customizations.ignoreDifferences.';
    const data = {
      [`${prefix}all`]: 'managedFieldsManagers: [autoscaler]',
      [`${prefix}Service`]: 'jsonPointers: [/spec/ports]',
      [`${prefix}cert-manager.io_Issuer`]: 'jsonPointers: [/spec/x]',
    };
    const { ignores, unsupported } = compile(application({ ignoreDifferences: [own] }), [settings(data)]);
    expect(unsupported).toEqual([]);
    expect(ignores).toEqual([
      { group: 'apps', kind: 'Deployment', name: 'web', pointers: ['/spec/replicas'], managers: [] },
      { group: '*', kind: '*', pointers: [], managers: ['autoscaler'] },
      { group: '', kind: 'Service', pointers: ['/spec/ports'], managers: [] },
      { group: 'cert-manager.io', kind: 'Issuer', pointers: ['/spec/x'], managers: [] },
      statusRule,
    ]);
  });
  it('of the installation in the older form too, one map of all kinds', () => {
    const map = (text: string): object => ({
      'resource.customizations': `apps/Deployment:\n  ignoreDifferences: |\n    ${text}\n`,
    });
    const { ignores } = compile(application({}), [settings(map('jsonPointers: [/spec/replicas]'))]);
    expect(ignores).toEqual([
      { group: 'apps', kind: 'Deployment', pointers: ['/spec/replicas'], managers: [] },
      statusRule,
    ]);
    const { ignores: jq, unsupported } = compile(application({}), [
      settings(map('jqPathExpressions: [.spec]')),
    ]);
    expect(unsupported).toEqual([]);
    expect(jq).toMatchObject([
      {
        jq: {
          paths: ['.spec'],
          where:
            'ConfigMap argocd-cm, resource.customizations, apps/Deployment, ignoreDifferences.jqPathExpressions',
        },
      },
      statusRule,
    ]);
  });
  it('rules of roles that a controller fills in, where the installation says so', () => {
    const said = (text: string): Manifest => settings({ 'resource.compareoptions': text });
    const ignored = (text: string): unknown => compile(application({}), [said(text)]).ignores;
    expect(ignored('ignoreAggregatedRoles: true')).toMatchObject([statusRule, { kind: 'ClusterRole' }]);
    expect(ignored('ignoreAggregatedRoles: false')).toEqual([statusRule]);
    expect(compile(application({}), [said('a: [')]).unsupported).toMatchObject([
      { code: 'InvalidSpec', message: expect.stringContaining('resource.compareoptions') },
    ]);
  });
  it.each([
    ['', [statusRule]],
    ['all', [statusRule]],
    ['crd', [{ ...statusRule, group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' }]],
    ['none', []],
    ['"off"', []],
    ['false', []],
  ])('of statuses, as the installation says: %s', (text, ignores) => {
    const said = settings({ 'resource.compareoptions': `ignoreResourceStatusField: ${text}` });
    const { ignores: rules = [], unsupported } = compile(application({}), [said]);
    expect([rules, unsupported]).toEqual([ignores, []]);
  });
  it('F30: of statuses of what is not known is refused', () => {
    const said = settings({ 'resource.compareoptions': 'ignoreResourceStatusField: toString' });
    expect(compile(application({}), [said]).unsupported).toMatchObject([
      { code: 'InvalidSpec', message: expect.stringContaining('all, crd or none') },
    ]);
  });
  it('by jq paths, with where they stand', () => {
    const own = { kind: 'ConfigMap', jqPathExpressions: ['.data.a'] };
    expect(compile(application({ ignoreDifferences: [own] })).ignores).toEqual([
      {
        group: '',
        kind: 'ConfigMap',
        pointers: [],
        managers: [],
        jq: { paths: ['.data.a'], where: 'spec.ignoreDifferences[0].jqPathExpressions' },
      },
      statusRule,
    ]);
  });
  it('F28: a pointer that is none is named', () => {
    const { unsupported } = compile(
      application({ ignoreDifferences: [{ kind: 'Deployment', jsonPointers: ['spec.replicas'] }] }),
    );
    expect(unsupported).toMatchObject([
      { code: 'InvalidSpec', message: expect.stringContaining('spec.ignoreDifferences[0].jsonPointers') },
    ]);
  });
});

describe('F30: what is known and not honoured blocks the Unit, by name', () => {
  it.each<[string, Manifest]>([
    ['spec.sourceHydrator', application({ sourceHydrator: { drySource: { repoURL: 'x' } } })],
    ['spec.source.helm.version', withSource({ helm: { version: 'v2' } })],
    ['spec.source.kustomize.version', withSource({ kustomize: { version: 'v4' } })],
    ['kustomize and helm', withSource({ kustomize: { namePrefix: 'x' }, helm: { releaseName: 'x' } })],
    [
      'https://files.example/values.yaml',
      withSource({
        helm: { valueFiles: ['https://files.example/values.yaml'], ignoreMissingValueFiles: true },
      }),
    ],
    ['spec.source.plugin', withSource({ plugin: { name: 'x' } })],
    ['another cluster', application({ destination: { server: 'https://10.0.0.1', namespace: 'web' } })],
    ['another cluster', application({ destination: { name: 'production', namespace: 'web' } })],
    ...[
      'Replace=maybe',
      'PruneLast=maybe',
      'Prune=sometimes',
      'RespectNothing=true',
      'PrunePropagationPolicy=sideways',
    ].map((option): [string, Manifest] => [option, application({ syncPolicy: { syncOptions: [option] } })]),
  ])('%s', (what, resource) => {
    const unit = compile(resource);
    expect(codes(unit)).toContain('Unsupported');
    expect(said(unit)).toContain(what);
  });
  it('an empty block asks for nothing', () => {
    expect(
      compile(withSource({ helm: {}, kustomize: { images: [] }, directory: { jsonnet: {} } })).unsupported,
    ).toEqual([]);
    expect(compile(application({ ignoreDifferences: [] })).unsupported).toEqual([]);
  });
  it('a member that nobody knows is a warning that names it, and no block', () => {
    const unit = compile(application({ syncPolicy: { automatd: {} } }));
    expect(unit.unsupported).toEqual([]);
    expect(unit.warnings.map(({ message }) => message).join()).toContain('spec.syncPolicy.automatd');
  });
  it.each([
    'Validate=false',
    'SkipDryRunOnMissingResource=true',
    'ApplyOutOfSyncOnly=true',
    'PruneLast=true',
    'ServerSideApply=true',
    'FailOnSharedResource=true',
    'CreateNamespace=true',
    'PrunePropagationPolicy=orphan',
  ])('the option %s asks for what is done', (option) => {
    expect(compile(application({ syncPolicy: { syncOptions: [option] } })).unsupported).toEqual([]);
  });
});

it('outside of the control plane’s namespace the build environment names the namespace, and the release does not', () => {
  const source = { repoURL: 'https://git.example/web', helm: { valueFiles: ['$ARGOCD_APP_NAME.yaml'] } };
  const { inputs } = compile(application({ source }, { namespace: 'team-a' }));
  expect(inputs[0]?.render).toMatchObject({
    kind: 'helm',
    releaseName: 'web',
    values: { files: ['team-a_web.yaml'] },
  });
});

describe('an option that is passed over is a warning that says what is done instead', () => {
  it.each([
    ['Validate=false', 'server-side apply'],
    ['ServerSideApply=false', 'server-side apply'],
    ['FailOnSharedResource=false', 'another Application'],
    ['ClientSideApplyMigration=false', 'taken over'],
    ['DisableClientSideApplyMigration=true', 'taken over'],
  ])('%s', (option, instead) => {
    const { unsupported, warnings } = compile(application({ syncPolicy: { syncOptions: [option] } }));
    expect(unsupported).toEqual([]);
    expect(warnings).toMatchObject([
      { code: 'OptionWithoutEffect', message: expect.stringContaining(option) },
    ]);
    expect(warnings[0]?.message).toContain(instead);
  });
  it('a history that is longer than what is kept', () => {
    const warnings = (revisionHistoryLimit: number): readonly string[] =>
      compile(application({ revisionHistoryLimit })).warnings.map(({ message }) => message);
    expect(warnings(20)).toEqual([]);
    expect(warnings(50)).toEqual([
      'spec.revisionHistoryLimit above 20 (50) has no effect: no more than 20 syncs are kept',
    ]);
  });
});

describe('compare options of an Application', () => {
  const annotated = (text: string): Unit =>
    compile(application({}, { annotations: { 'argocd.argoproj.io/compare-options': text } }));
  it.each([
    ['ServerSideDiff=false', 'what the API server made of it'],
    ['IncludeMutationWebhook=true', 'admission webhooks'],
    ['IgnoreExtraneous', 'no option of Applications'],
    ['toString', 'no option of Applications'],
  ])('%s has no effect, which is said', (option, instead) => {
    const { unsupported, warnings } = annotated(`ServerSideDiff=true, ${option}`);
    expect(unsupported).toEqual([]);
    expect(warnings).toMatchObject([
      { code: 'OptionWithoutEffect', message: expect.stringContaining(`"${option}" has no effect: `) },
    ]);
    expect(warnings[0]?.message).toContain(instead);
  });
  it('what is done anyway is not worth a word', () => {
    expect(annotated('ServerSideDiff=true,IncludeMutationWebhook=false').warnings).toEqual([]);
  });
});

describe('F28: a spec that cannot be read', () => {
  it.each<[string, unknown]>([
    ['spec.destination', {}],
    ['spec.source', { destination: {} }],
    ['spec.source', { source: 5, destination: {} }],
    ['spec.source.repoURL', { source: { repoURL: 7 }, destination: {} }],
    ['spec.destination', { source: { repoURL: 'x' } }],
    [
      'spec.syncPolicy.syncOptions',
      { source: { repoURL: 'x' }, destination: {}, syncPolicy: { syncOptions: 'x' } },
    ],
    [
      'spec.syncPolicy.retry.limit',
      { source: { repoURL: 'x' }, destination: {}, syncPolicy: { retry: { limit: 'many' } } },
    ],
    ['spec.sources.0', { sources: ['x'], destination: {} }],
  ])('blocks its own Unit and names %s', (where, spec) => {
    const unit = compile(application({}, {}, { spec }));
    expect(codes(unit)).toEqual(['InvalidSpec']);
    expect(said(unit)).toContain(where);
    expect(unit).toMatchObject({ id: 'u', inputs: [], sync: { trigger: 'suspended', prune: false } });
  });
  it('a duration that is none names its field', () => {
    const unit = compile(application({ syncPolicy: { retry: { backoff: { maxDuration: 'soon' } } } }));
    expect(said(unit)).toContain('spec.syncPolicy.retry.backoff.maxDuration: "soon"');
  });
  it('a member left empty is a member left out', () => {
    const nulls = {
      syncPolicy: null,
      source: { repoURL: 'https://git.example/web', path: null, targetRevision: null, directory: null },
      ignoreDifferences: null,
    };
    const unit = compile(application(nulls));
    expect(unit.unsupported).toEqual([]);
    expect(unit.warnings).toEqual([]);
    expect(unit.inputs[0]).toMatchObject({ path: '.', source: { ref: { name: 'HEAD' } } });
  });
  it('whatever it is, compiling never throws and gives one Unit', () => {
    const junk = fc.jsonValue({ maxDepth: 4 });
    const keyed = fc.dictionary(
      fc.constantFrom(
        'project',
        'source',
        'sources',
        'destination',
        'syncPolicy',
        'repoURL',
        'path',
        'directory',
        'automated',
        'retry',
        'backoff',
        'syncOptions',
        'revisionHistoryLimit',
      ),
      fc.oneof(
        junk,
        fc.dictionary(fc.constantFrom('repoURL', 'path', 'helm', 'automated', 'limit', 'duration'), junk),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(junk, keyed), junk, junk, keyed, (spec, operation, status, project) => {
        const resource = { ...application(), spec, operation, status } as unknown as Manifest;
        const projects = [
          {
            apiVersion: 'argoproj.io/v1alpha1',
            kind: 'AppProject',
            metadata: { name: 'default', namespace: 'argocd' },
            spec: project,
          },
        ] as unknown as Manifest[];
        expect(dialect.compile(resource, lookupOf(projects))).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('charts and images', () => {
  const sourceOf = (source: object): object | undefined => compile(application({ source })).inputs[0]?.source;
  it.each<[object, object]>([
    [
      { repoURL: 'https://charts.example', chart: 'web', targetRevision: '1.2.3' },
      { kind: 'helm', url: 'https://charts.example', chart: 'web', ref: { name: '1.2.3' } },
    ],
    [
      {
        repoURL: 'https://charts.example',
        chart: 'web',
        targetRevision: '1.x',
        helm: { passCredentials: true },
      },
      { kind: 'helm', ref: { semver: '1.x' }, passCredentials: true },
    ],
    [{ repoURL: 'https://charts.example', chart: 'web' }, { ref: { semver: '*' } }],
    [{ repoURL: 'https://charts.example', chart: 'web', targetRevision: '1.2' }, { ref: { semver: '1.2' } }],
    [
      { repoURL: 'registry.example/charts', chart: 'web', targetRevision: '>=1.0, <2' },
      { kind: 'oci', url: 'oci://registry.example/charts/web', ref: { semver: '>=1.0, <2' } },
    ],
    [
      { repoURL: 'oci://registry.example/app', path: 'x', targetRevision: 'v1' },
      { kind: 'oci', url: 'oci://registry.example/app', ref: { name: 'v1' } },
    ],
    [{ repoURL: 'oci://registry.example/app' }, { kind: 'oci', ref: { name: 'latest' } }],
  ])('%j', (source, expected) => expect(sourceOf(source)).toMatchObject(expected));
  it('a chart is rendered by Helm, whatever else lies beside it', () => {
    const unit = compile(application({ source: { repoURL: 'https://charts.example', chart: 'web' } }));
    expect(unit.inputs).toMatchObject([{ path: '.', render: { kind: 'helm', releaseName: 'web' } }]);
  });
  it.each([
    ['a path', { path: 'x' }],
    ['a ref', { ref: 'x' }],
  ])('a chart with %s is refused', (_, further) => {
    const source = { repoURL: 'https://charts.example', chart: 'web', ...further };
    expect(codes(compile(application({ sources: [source] })))).toContain('InvalidSpec');
  });
});

describe('several sources', () => {
  const chart = (file: string) => ({
    repoURL: 'https://git.example/charts',
    path: 'web',
    helm: { valueFiles: [file], fileParameters: [{ name: 'a', path: file }] },
  });
  const values = { repoURL: 'https://git.example/values', ref: 'values', targetRevision: 'v2' };

  it('are inputs in their order; one that only has a name renders nothing', () => {
    const unit = compile(application({ sources: [chart('$values/prod.yaml'), values] }));
    expect(unit.unsupported).toEqual([]);
    expect(unit.inputs).toMatchObject([
      {
        render: {
          values: {
            files: ['$values/prod.yaml'],
            setFile: [{ name: 'a', path: '$values/prod.yaml' }],
          },
        },
      },
      { name: 'values', path: '.', source: { ref: { name: 'v2' } }, render: { kind: 'none' } },
    ]);
  });
  it('one with a name and a path is rendered, too', () => {
    const unit = compile(application({ sources: [{ ...values, path: 'app' }] }));
    expect(unit.inputs).toMatchObject([{ name: 'values', path: 'app', render: { kind: 'detect' } }]);
  });
  it.each([
    ['a name that no source has', [chart('$else/prod.yaml'), values], '$else/prod.yaml'],
    [
      'a name and no path, and still a way to render',
      [{ ...values, helm: { skipCrds: true } }],
      'has no path',
    ],
    ['the same name twice', [values, values], 'two sources are called "values"'],
    ['a name that is a path', [{ ...values, ref: 'a/b' }], '"a/b" is no name'],
  ])('%s is refused', (_, sources, what) => {
    const unit = compile(application({ sources }));
    expect(codes(unit)).toContain('InvalidSpec');
    expect(said(unit)).toContain(what);
  });
  it('each of them has to be permitted', () => {
    const project = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'default', namespace: 'argocd' },
      spec: { sourceRepos: ['https://git.example/charts'], destinations: [{ server: '*', namespace: '*' }] },
    };
    const unit = compile(application({ sources: [chart('$values/prod.yaml'), values] }), [project]);
    expect(said(unit)).toContain('https://git.example/values');
  });
  it.each([
    [{ revisions: ['a', ''] }, ['a', ''], []],
    [{ revision: 'a' }, ['a'], []],
    [{ revisions: ['a', 'b', 'c'] }, ['a', 'b', 'c'], ['InvalidSpec']],
  ])('a sync to %j', (sync, revisions, refused) => {
    const unit = compile(
      application({ sources: [chart('$values/prod.yaml'), values] }, {}, { operation: { sync } }),
    );
    expect(unit.request?.revisions).toEqual(revisions);
    expect(unit.request?.refused.map(({ code }) => code)).toEqual(refused);
  });
});

describe('the sync policy', () => {
  it.each([
    [{}, { trigger: 'manual', prune: false, selfHeal: false }],
    [{ automated: {} }, { trigger: 'automatic', prune: false, selfHeal: false, allowEmpty: false }],
    [
      { automated: { enabled: false, prune: true, selfHeal: true } },
      { trigger: 'manual', prune: false, selfHeal: false },
    ],
    [
      { automated: { enabled: true, prune: true, allowEmpty: true } },
      { trigger: 'automatic', prune: true, allowEmpty: true },
    ],
    [{ automated: { enabled: false, allowEmpty: true } }, { trigger: 'manual', allowEmpty: true }],
    [{ syncOptions: [] }, { propagation: undefined }],
    [{ syncOptions: ['PrunePropagationPolicy=foreground'] }, { propagation: 'Foreground' }],
    [
      { syncOptions: ['CreateNamespace=true', 'PrunePropagationPolicy=orphan'] },
      { createNamespace: true, propagation: 'Orphan' },
    ],
    [{ retry: { limit: -1 } }, { retry: { limit: 'forever' } }],
    [
      { retry: { limit: 0, backoff: { duration: 7, maxDuration: '1h30m' } } },
      { retry: { limit: 0, firstMs: 7000, maxMs: 5_400_000 } },
    ],
  ])('%j is %j', (syncPolicy, expected) => {
    expect(compile(application({ syncPolicy })).sync).toMatchObject(expected);
  });
  it('no hint turns automated sync on where it is off', () => {
    const hint = (syncPolicy: object): string => compile(application({ syncPolicy })).wishes.allowEmpty;
    expect(hint({ automated: {} })).toBe('set syncPolicy.automated.allowEmpty: true');
    for (const off of [{}, { automated: { enabled: false } }])
      expect(hint(off)).toMatch(/^set syncPolicy\.automated to \{enabled: false, allowEmpty: true\}/);
  });
  it('skip-reconcile suspends', () => {
    const unit = compile(
      application(
        { syncPolicy: { automated: {} } },
        { annotations: { 'argocd.argoproj.io/skip-reconcile': 'true' } },
      ),
    );
    expect(unit.sync.trigger).toBe('suspended');
  });
});

describe('where it comes from', () => {
  it.each([
    [undefined, { name: 'HEAD' }],
    ['', { name: 'HEAD' }],
    ['main', { name: 'main' }],
    ['refs/heads/release/1', { name: 'release/1' }],
    ['v1.2.3', { name: 'v1.2.3' }],
    ['a'.repeat(40), { commit: 'a'.repeat(40) }],
    // A version is a name; only what is none is a range.
    ['1.2', { name: '1.2' }],
    ['release-1.x', { name: 'release-1.x' }],
    ...['1.2.*', '1.x', 'v1.2.x', '1.x.x', '^1.2', '~1.2.3', '>=1.0 <2', '>=1.0, <2', '1.0 - 1.4', '*'].map(
      (range): [string, object] => [range, { semver: range, orName: true }],
    ),
  ])('targetRevision %s is %j', (targetRevision, ref) => {
    expect(
      compile(withSource(targetRevision === undefined ? {} : { targetRevision })).inputs[0]?.source.ref,
    ).toEqual(ref);
  });
  const secret = (
    name: string,
    type: string,
    url: string,
    login: object = { password: 'eA==' },
  ): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': type } },
    data: { url: Buffer.from(url).toString('base64'), ...login },
  });
  const chosen = (...secrets: readonly Manifest[]): string | undefined =>
    compile(application(), secrets).inputs[0]?.source.credentials?.name;

  it('credentials: the repository’s own Secret, else the longest prefix', () => {
    const prefix = secret('prefix', 'repo-creds', 'https://git.example/');
    const longer = secret('longer', 'repo-creds', 'https://git.example/web');
    const own = secret('own', 'repository', 'https://git.example/WEB.git');
    expect(chosen(prefix)).toBe('prefix');
    expect(chosen(prefix, longer)).toBe('longer');
    expect(chosen(prefix, own, longer)).toBe('own');
    expect(chosen(secret('bare', 'repository', 'https://git.example/web', {}), prefix)).toBe('prefix');
    expect(chosen(secret('else', 'repository', 'https://git.example/website'))).toBeUndefined();
    expect(chosen(secret('cluster', 'cluster', 'https://git.example/web'))).toBeUndefined();
  });
  it('credentials: an empty login hides none', () => {
    const prefix = secret('prefix', 'repo-creds', 'https://git.example/');
    const empty = secret('own', 'repository', 'https://git.example/web', { username: '', password: '' });
    expect(chosen(empty, prefix)).toBe('prefix');
  });
  it.each([
    ['git@git.example:acme/web.git', 'ssh://git@git.example/acme/web', true],
    ['ssh://git@git.example/acme/web.git', 'GIT@git.example:acme/web', true],
    ['ssh://git@git.example:2222/acme/web', 'git@git.example:2222/acme/web', false],
    ['git@git.example:acme/web', 'https://git.example/acme/web', false],
  ])('credentials: whether %s and %s are one repository', (repoURL, url, isSame) => {
    const key = { sshPrivateKey: 'eA==' };
    const credentialsWith = (type: string, of: string): object | undefined =>
      compile(application({ source: { repoURL, path: 'app' } }), [secret('own', type, of, key)]).inputs[0]
        ?.source.credentials;
    expect(credentialsWith('repository', url) !== undefined).toBe(isSame);
    expect(credentialsWith('repo-creds', url.slice(0, -3)) !== undefined).toBe(isSame);
  });
  it('credentials: a prefix of SSH takes in the whole host', () => {
    const source = { repoURL: 'git@git.example:acme/web', path: 'app' };
    const found = (url: string): number =>
      compile(application({ source }), [secret('x', 'repo-creds', url)]).inputs.filter(
        ({ source: { credentials } }) => credentials !== undefined,
      ).length;
    expect(
      ['ssh://git@git.example', 'git@git.example:', 'git@git.exam', 'ssh://git@git.exam'].map(found),
    ).toEqual([1, 1, 0, 0]);
  });
  it.each([
    ['noProxy', 'Kg=='],
    ['enableLfs', 'dHJ1ZQ=='],
    ['gcpServiceAccountKey', 'e30='],
    ['useAzureWorkloadIdentity', 'dHJ1ZQ=='],
  ])('credentials: %s is passed over with a warning that names the Secret, where it is set', (key, value) => {
    const warned = (data: object, url = 'https://git.example/web'): readonly unknown[] =>
      compile(application(), [secret('own', 'repository', url, { password: 'eA==', ...data })]).warnings;
    expect(warned({ [key]: value })).toMatchObject([
      {
        code: 'OptionWithoutEffect',
        message: expect.stringContaining(`${key} of Secret argocd/own has no effect`),
      },
    ]);
    expect(warned({ [key]: 'ZmFsc2U=' })).toEqual([]);
    expect(warned({ [key]: value }, 'https://git.example/other')).toEqual([]);
  });
  it('a proxy is that of the Secret for the repository, else of the longest prefix, and hides no login', () => {
    const proxy = { proxy: 'aHR0cDovL3Byb3h5', noProxy: 'Kg==', password: '' };
    const sourceOf = (...secrets: readonly Manifest[]) => compile(application(), secrets).inputs[0]?.source;
    const login = secret('login', 'repo-creds', 'https://git.example/');
    const own = secret('own', 'repository', 'https://git.example/web', proxy);
    const prefix = secret('prefix', 'repo-creds', 'https://git.example/w', proxy);
    const far = secret('far', 'repo-creds', 'https://other.example/', proxy);
    expect(sourceOf(login, prefix, own, far)).toMatchObject({ trust: { proxy: { name: 'own' } } });
    expect(sourceOf(login, own)).toMatchObject({ credentials: { name: 'login' } });
    expect(sourceOf(login, prefix, far)?.trust).toMatchObject({
      proxy: { namespace: 'argocd', name: 'prefix' },
    });
    expect(sourceOf(login, far)?.trust).toBeUndefined();
    expect(compile(application(), [own]).warnings).toEqual([]);
  });
  it('credentials: those of a project are for it alone, go first, and permit its repository', () => {
    const all = secret('all', 'repository', 'https://git.example/web');
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const scoped = (project: string): Manifest =>
      secret(`of-${project}`, 'repository', 'https://git.example/web', {
        password: 'eA==',
        project: base64(project),
      });
    expect(chosen(all, scoped('default'))).toBe('of-default');
    expect(chosen(all, scoped('other'))).toBe('all');
    const project = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'default', namespace: 'argocd' },
      spec: { sourceRepos: [], destinations: [{ server: '*', namespace: '*' }] },
    };
    expect(compile(application(), [project, scoped('default')]).unsupported).toEqual([]);
    expect(codes(compile(application(), [project, scoped('other')]))).toEqual(['ProjectDenies']);
  });
  it('servers are known by two ConfigMaps', () => {
    const map = (name: string, data: object): Manifest => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'argocd' },
      data,
    });
    const known = [
      map('argocd-tls-certs-cm', { 'Git.example': 'PEM' }),
      map('argocd-ssh-known-hosts-cm', { ssh_known_hosts: 'LINE' }),
    ];
    const trustOf = (repoURL: string): unknown =>
      compile(application({ source: { repoURL, path: 'app' } }), known).inputs[0]?.source.trust;
    expect(trustOf('https://git.example:8443/web')).toEqual({ certificates: 'PEM' });
    expect(trustOf('https://else.example/web')).toBeUndefined();
    expect(trustOf('git@git.example:web')).toEqual({ certificates: 'PEM', knownHosts: 'LINE' });
    expect(trustOf('ssh://git@else.example/web')).toEqual({ knownHosts: 'LINE' });
  });
  it('S8: signatures that a project asks for, with the keys that are held', () => {
    const keys = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-gpg-keys-cm', namespace: 'argocd' },
      data: { D56C4FCA57A46444: 'ARMOUR', '4AEE18F83AFDEB23': 'OTHER' },
    };
    const project = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'default', namespace: 'argocd' },
      spec: {
        sourceRepos: ['*'],
        destinations: [{ server: '*', namespace: '*' }],
        signatureKeys: [{ keyID: 'd56c4fca57a46444' }, { keyID: '1111111111111111' }],
      },
    };
    expect(compile(application(), [project, keys])).toMatchObject({
      unsupported: [],
      inputs: [
        {
          source: {
            signed: { keys: ['ARMOUR'], ids: ['d56c4fca57a46444', '1111111111111111'], what: 'either' },
          },
        },
      ],
    });
  });
  it('credentials: a prefix takes in the whole host, so that a look-alike is sent nothing', () => {
    expect(chosen(secret('short', 'repo-creds', 'https://git.exam'))).toBeUndefined();
    expect(chosen(secret('host', 'repo-creds', 'https://git.example'))).toBe('host');
    expect(chosen(secret('part', 'repo-creds', 'https://git.example/we'))).toBe('part');
  });
});

describe('projects', () => {
  const judged = (spec: object, resource = application({ project: 'p' })): Unit =>
    compile(resource, [
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'p', namespace: 'argocd' },
        spec,
      },
    ]);
  const open = { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] };
  const server = 'https://kubernetes.default.svc';

  it.each<[string, object]>([
    ['everything', open],
    ['this repository, with .git', { ...open, sourceRepos: ['https://git.example/web.git'] }],
    ['a glob of repositories', { ...open, sourceRepos: ['https://git.example/*'] }],
    ['a destination by name', { ...open, destinations: [{ name: 'in-cluster', namespace: 'w*' }] }],
    [
      'all namespaces but another',
      {
        ...open,
        destinations: [
          { server, namespace: '*' },
          { server, namespace: '!kube-*' },
        ],
      },
    ],
  ])('permits %s', (_, spec) => expect(judged(spec).unsupported).toEqual([]));
  it.each<[string, string, object]>([
    ['nothing listed', 'repository', {}],
    ['another repository', 'repository', { ...open, sourceRepos: ['https://git.example/other'] }],
    [
      'a denied repository among allowed ones',
      'repository',
      { ...open, sourceRepos: ['*', '!https://git.example/web'] },
    ],
    ['another namespace', 'destination', { ...open, destinations: [{ server, namespace: 'other' }] }],
    [
      'a denied namespace among allowed ones',
      'destination',
      {
        ...open,
        destinations: [
          { server: '*', namespace: '*' },
          { server: '*', namespace: '!web' },
        ],
      },
    ],
    [
      'a denied server',
      'destination',
      {
        ...open,
        destinations: [
          { server: '*', namespace: '*' },
          { server: `!${server}`, namespace: '*' },
        ],
      },
    ],
    [
      'a denied cluster name',
      'destination',
      { ...open, destinations: [{ name: '!in-cluster', namespace: '*' }] },
    ],
    [
      'another server',
      'destination',
      { ...open, destinations: [{ server: 'https://elsewhere', namespace: '*' }] },
    ],
  ])('denies with %s', (_, what, spec) => {
    const unit = judged(spec);
    expect(codes(unit)).toContain('ProjectDenies');
    expect(said(unit)).toContain(what);
  });
  it.each(['destinationServiceAccounts'])('F30: spec.%s is not honoured', (member) => {
    expect(said(judged({ ...open, [member]: [{ a: 'b' }] }))).toContain(member);
  });
  it('F30: sourceIntegrity, and cluster kinds by name, are not honoured', () => {
    expect(said(judged({ ...open, sourceIntegrity: { git: { policies: [{}] } } }))).toContain(
      'sourceIntegrity',
    );
    expect(
      said(judged({ ...open, clusterResourceWhitelist: [{ group: '', kind: 'Namespace', name: 'web*' }] })),
    ).toContain('clusterResourceWhitelist');
  });
  it('F28: one that cannot be read denies, and says where', () => {
    expect(said(judged({ sourceRepos: '*' }))).toContain('AppProject p cannot be read: spec.sourceRepos');
    const denied = { namespaceResourceBlacklist: [{ group: '', kind: '{Secret,ConfigMap' }] };
    expect(said(judged(denied))).toContain(
      'spec.namespaceResourceBlacklist: "{Secret,ConfigMap" is not a glob',
    );
    expect(said(judged({ ...open, clusterResourceWhitelist: [{ kind: 5 }] }))).toContain(
      'spec.clusterResourceWhitelist.0',
    );
  });
  it('that does not exist: a warning where there are none at all, else a refusal', () => {
    expect(compile(application({ project: 'p' }))).toMatchObject({
      unsupported: [],
      warnings: [{ code: 'ProjectMissing' }],
    });
    const other: Manifest = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'q', namespace: 'argocd' },
      spec: open,
    };
    expect(codes(compile(application({ project: 'p' }), [other]))).toEqual(['ProjectMissing']);
  });
  it('an Application of another namespace needs sourceNamespaces', () => {
    const far = application({ project: 'p' }, { namespace: 'team-a' });
    expect(said(judged(open, far))).toContain('team-a');
    expect(judged({ ...open, sourceNamespaces: ['team-*'] }, far).unsupported).toEqual([]);
  });
});

describe('customizations of argocd-cm', () => {
  const settings = (data: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data,
  });
  it('that cannot be read hold everything up: a check that is not run would let through what it was to hold up', () => {
    const broken = settings({ 'resource.customizations': 'a: [' });
    expect(compile(application(), [broken]).unsupported).toMatchObject([
      { code: 'InvalidCustomization', message: expect.stringContaining('resource.customizations') },
    ]);
  });
  it.each([
    ['resource.customizations', 'a: &a {}\nb: *a\n'],
    ['resource.compareoptions', 'a: &a {}\nb: *a\n'],
    ['resource.exclusions', '- &a { kinds: [Widget] }\n- *a\n'],
  ])('F28: an alias in %s is read, and one of nothing does not end the compilation', (key, text) => {
    expect(compile(application(), [settings({ [key]: text })]).unsupported).toEqual([]);
    expect(() => compile(application(), [settings({ [key]: 'a: *nothing' })])).not.toThrow();
  });
  it('exclusions and inclusions of this cluster limit the kinds', () => {
    const limitsWith = (data: object) => compile(application(), [settings(data)]).limits;
    const here = 'https://kubernetes.default.svc';
    const exclusions = (clusters: string) => `- { kinds: ['*'], clusters: [${clusters}] }`;
    expect(limitsWith({ 'resource.exclusions': exclusions("'https://other'") }).excluded).toBeUndefined();
    expect(limitsWith({ 'resource.exclusions': exclusions(`'https://other', '${here}'`) }).excluded).toEqual([
      { apiGroups: ['*'], kinds: ['*'] },
    ]);
    expect(
      limitsWith({ 'resource.exclusions': exclusions("'https://{kubernetes.*,other}'") }).excluded,
    ).toHaveLength(1);
    expect(limitsWith({ 'resource.inclusions': '- { apiGroups: [apps] }' }).included).toEqual([
      { apiGroups: ['apps'], kinds: ['*'] },
    ]);
    expect(limitsWith({ 'resource.inclusions': exclusions("'https://other'") }).included).toEqual([]);
    expect(limitsWith({ 'resource.inclusions': '' }).included).toBeUndefined();
  });
  it.each([
    ['resource.exclusions', '- { kinds: [Secret'],
    ['resource.exclusions', 'kinds: [Secret]'],
    ['resource.exclusions', '- { kinds: Secret }'],
    ['resource.exclusions', "- { kinds: ['{Secret,ConfigMap'] }"],
    ['resource.inclusions', '- 5'],
  ])('F30: %s: "%s" cannot be read, so nothing is applied', (key, text) => {
    expect(compile(application(), [settings({ [key]: text })]).unsupported).toMatchObject([
      { code: 'InvalidCustomization', message: expect.stringContaining(key) },
    ]);
  });
  it.each([
    ['globalProjects', '- projectName: all', 'Unsupported'],
    ['application.sync.impersonation.enabled', 'true', 'Unsupported'],
    ['cluster.inClusterEnabled', 'false', 'ProjectDenies'],
  ])('F30: %s: "%s" is refused', (key, text, code) => {
    expect(compile(application(), [settings({ [key]: text })]).unsupported).toMatchObject([
      { code, message: expect.stringContaining(key) },
    ]);
    const [off] = ['true', 'false'].filter((other) => other !== text);
    if (/true|false/.test(text))
      expect(compile(application(), [settings({ [key]: off })]).unsupported).toEqual([]);
  });
  it.each([
    ['kustomize.buildOptions', '--enable-helm --reorder legacy', '--reorder'],
    ['kustomize.buildOptions.v4.5.0', '--enable-helm', 'kustomize.buildOptions.v4.5.0'],
    ['kustomize.version.v3.5.1', '/tools/kustomize', 'kustomize.version.v3.5.1'],
    ['kustomize.path.v3.5.1', '/tools/kustomize', 'kustomize.path.v3.5.1'],
    ['jsonnet.enable', 'false', 'jsonnet.enable'],
  ])('F30: %s: "%s" has no effect, which is said', (key, text, said) => {
    const unit = compile(application(), [settings({ [key]: text })]);
    expect(unit.unsupported).toEqual([]);
    expect(unit.warnings[0]).toMatchObject({
      code: 'SettingIgnored',
      message: expect.stringContaining(said),
    });
  });
  it('resource.sensitive.mask.annotations: names, with blanks and commas between them', () => {
    const key = 'resource.sensitive.mask.annotations';
    const unit = compile(application(), [settings({ [key]: ' example.com/token,\n api-key,, ' })]);
    expect(unit).toMatchObject({ warnings: [], sensitiveAnnotations: ['example.com/token', 'api-key'] });
    expect(compile(application(), [settings({ [key]: ' ' })])).not.toHaveProperty('sensitiveAnnotations');
  });
  it('kustomize.buildOptions: files outside of the kustomization', () => {
    const rendered = (text: string) => {
      const unit = compile(application(), [settings({ 'kustomize.buildOptions': text })]);
      expect(unit.warnings).toEqual([]);
      return unit.inputs[0]?.render;
    };
    for (const text of [
      '--load-restrictor LoadRestrictionsNone',
      '--enable-helm --load-restrictor=LoadRestrictionsNone',
      '--load_restrictor none',
    ])
      expect(rendered(text)).toMatchObject({ kustomize: { loadRestriction: 'none' } });
    for (const text of ['', '--load-restrictor LoadRestrictionsRootOnly', '--enable-alpha-plugins'])
      expect(rendered(text)).toMatchObject({ kustomize: { loadRestriction: 'root' } });
  });
  it('a tool that is turned off is not looked for, and a source that asks for it is refused', () => {
    const off = settings({ 'kustomize.enable': 'false', 'helm.enable': 'true' });
    const unit = compile(application(), [off]);
    expect(unit.inputs[0]?.render).toMatchObject({ kind: 'detect', without: ['kustomize'] });
    expect(unit.unsupported).toEqual([]);
    const source = { repoURL: 'https://git.example/a', path: 'a', kustomize: { namePrefix: 'a-' } };
    expect(compile(application({ source }), [off]).unsupported).toMatchObject([
      { code: 'InvalidSpec', message: expect.stringContaining('kustomize.enable') },
    ]);
  });
  it('that can be read hold nothing up', () => {
    const fine = settings({ 'resource.customizations.health.a_B': 'return {}' });
    expect(compile(application(), [fine]).unsupported).toEqual([]);
  });
});

describe('tracking', () => {
  it('a long name is cut to a label that the API server takes', () => {
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: 'argocd' },
      data: { 'application.resourceTrackingMethod': 'label' },
    };
    const { tracking } = compile(application({}, { name: `${'a'.repeat(62)}-long-name` }), [settings]);
    expect(tracking.labels?.[0]?.value).toMatch(/^[a-z0-9A-Z]([-._a-z0-9A-Z]{0,61}[a-z0-9A-Z])?$/);
  });
  const cm = (data: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data,
  });
  const annotation = 'argocd.argoproj.io/tracking-id';

  it.each([
    [{}, { owner: 'web', annotation }],
    [{ 'application.resourceTrackingMethod': 'annotation' }, { owner: 'web', annotation }],
    [
      { 'application.resourceTrackingMethod': 'label' },
      { owner: 'web', labels: [{ key: 'app.kubernetes.io/instance', value: 'web' }] },
    ],
    [
      { 'application.resourceTrackingMethod': 'annotation+label', 'application.instanceLabelKey': 'x/y' },
      { owner: 'web', annotation, labels: [{ key: 'x/y', value: 'web' }] },
    ],
    [
      { installationID: 'shop-1' },
      {
        owner: 'web',
        annotation,
        installation: { key: 'argocd.argoproj.io/installation-id', value: 'shop-1' },
      },
    ],
    [
      { installationID: 'shop-1', 'application.resourceTrackingMethod': 'label' },
      { owner: 'web', labels: [{ key: 'app.kubernetes.io/instance', value: 'web' }] },
    ],
  ])('%j → %j', (data, tracking) => expect(compile(application(), [cm(data)]).tracking).toEqual(tracking));
  it('names an Application of another namespace with its namespace', () => {
    expect(compile(application({}, { namespace: 'team-a' })).tracking.owner).toBe('team-a_web');
  });
});

it('the namespace that managedNamespaceMetadata describes is no object that comes with a takeover', () => {
  const managedFields = [
    { manager: 'argocd-application-controller', operation: 'Update', fieldsV1: { 'f:status': {} } },
  ] as never;
  const resources = ['web', 'other'].map((name) => ({ version: 'v1', kind: 'Namespace', name }));
  const names = (syncPolicy: object): readonly string[] | undefined =>
    compile(
      application({ syncPolicy }, { managedFields }, { status: { resources } }),
    ).predecessor?.objects.map(({ name }) => name);
  expect(names({})).toEqual(['web', 'other']);
  expect(names({ managedNamespaceMetadata: { labels: { team: 'a' } } })).toEqual(['other']);
});

describe('an operation', () => {
  const request = (operation: unknown, spec: object = {}): Unit['request'] =>
    compile(application(spec, {}, { operation })).request;

  it('is a request', () => {
    expect(request(undefined)).toBeUndefined();
    const asWritten = { initiatedBy: { username: 'ada' }, sync: { revision: 'v1', prune: true } };
    expect(request(asWritten)).toEqual({
      asWritten,
      by: 'ada',
      revisions: ['v1'],
      prune: true,
      dryRun: false,
      refused: [],
    });
    expect(request({ sync: { revisions: ['v1'] } })).toMatchObject({ revisions: ['v1'], refused: [] });
    expect(request({ sync: {} })?.by).not.toBe('');
  });
  it.each<[string, unknown]>([
    ['operation.sync.manifests', { sync: { manifests: ['x'] } }],
    ['operation.sync.source', { sync: { source: { repoURL: 'x' } } }],
    ['Replace=maybe', { sync: { syncOptions: ['Replace=maybe'] } }],
    ['it has 2, for 1 sources', { sync: { revisions: ['a', 'b'] } }],
    ['operation.sync.prune', { sync: { prune: 'yes' } }],
    ['without `sync`', {}],
    ['operation', 5],
  ])('F30: %s is refused, by name', (what, operation) => {
    expect(
      request(operation)
        ?.refused.map(({ message }) => message)
        .join('\n'),
    ).toContain(what);
  });
  it('selects objects, forces, runs no hooks, and has options of its own', () => {
    const resources = [{ group: 'apps', kind: 'Deployment', name: 'web', namespace: '' }];
    const strategy = { apply: { force: true } };
    expect(request({ sync: { resources, syncStrategy: strategy } })).toMatchObject({
      only: [{ group: 'apps', kind: 'Deployment', name: 'web' }],
      force: true,
      withoutHooks: true,
      refused: [],
    });
    const operation = { sync: { syncOptions: ['Replace=true', 'PruneLast=false'] } };
    const spec = { syncPolicy: { syncOptions: ['PruneLast=true'] } };
    const unit = compile(application(spec, {}, { operation }));
    expect(unit.sync.objects).toEqual({ replace: true, pruneLast: false });
  });
  it('F29: is no request to us where the other controller had begun it, or asked it of itself', () => {
    const wish = { initiatedBy: { username: 'ada' }, sync: { syncOptions: ['Replace=true'] } };
    const ofItself = { initiatedBy: { automated: true }, sync: {} };
    const left = (operation: object, begun: object, by = 'argocd-application-controller'): Unit => {
      const entry = { manager: by, operation: 'Update', time: '2026-02-01T00:00:00Z' };
      const managedFields = [{ ...entry, fieldsV1: { 'f:status': {} } }] as never;
      return compile(application({}, { managedFields }, { operation, status: { operationState: begun } }));
    };
    const begun = { phase: 'Running', operation: wish };
    expect(left(wish, begun).request).toBeUndefined();
    expect(left(wish, begun).sync.objects).toBeUndefined();
    expect(left(ofItself, { phase: 'Succeeded' }).request).toBeUndefined();
    expect(left(wish, { phase: 'Succeeded', operation: wish }).request?.by).toBe('ada');
    expect(left({ ...wish, sync: {} }, begun).request?.by).toBe('ada');
    expect(left(wish, begun, 'trueup').request?.by).toBe('ada');
  });
  it('may repeat what the spec asks for anyway, and leave things empty', () => {
    const spec = { syncPolicy: { syncOptions: ['CreateNamespace=true'] } };
    expect(
      request(
        {
          sync: {
            syncOptions: ['CreateNamespace=true', 'Validate=true'],
            resources: [],
            syncStrategy: { hook: {} },
          },
        },
        spec,
      )?.refused,
    ).toEqual([]);
  });
});

describe('admission', () => {
  const parameters = (namespaces: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cmd-params-cm', namespace: 'argocd' },
    data: { 'application.namespaces': namespaces },
  });
  const admits = (namespace: string, ...manifests: readonly Manifest[]): boolean =>
    dialect.admits(application({}, { namespace }), lookupOf(manifests)) === true;

  it('of the control-plane namespace, and of those that argocd-cmd-params-cm lists', () => {
    expect(admits('argocd')).toBe(true);
    expect(admits('team-a')).toBe(false);
    expect(admits('team-a', parameters('other, team-*'))).toBe(true);
    expect(admits('team-a', parameters('/^team-[b-z]$/'))).toBe(false);
    expect(admits('team-a', parameters(' , '))).toBe(false);
  });
});

it('no Unit carries the value of a Secret (S14)', () => {
  const secret: Manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'repository' } },
    data: {
      url: Buffer.from('https://git.example/web').toString('base64'),
      password: Buffer.from('canary').toString('base64'),
    },
  };
  const text = JSON.stringify(compile(application(), [secret]));
  expect(text).not.toContain('canary');
  expect(text).not.toContain(Buffer.from('canary').toString('base64'));
  expect(isObject(JSON.parse(text))).toBe(true);
});
