/** Kustomizations → Units: goldens of whole ones, tables of the single rules. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Lookup } from '#model/dialect.ts';
import { keyText, refOf, type Manifest } from '#model/object.ts';
import type { Unit } from '#model/unit.ts';
import { fluxDialect } from './kustomization.ts';

const goldens = path.join(import.meta.dirname, 'goldens');
const dialect = fluxDialect();

function lookupOf(manifests: readonly Manifest[]): Lookup {
  const byKey = new Map(manifests.map((manifest) => [keyText(refOf(manifest)), manifest]));
  return {
    get: (key) => byKey.get(keyText(key)),
    list: (group, kind) =>
      manifests.filter((manifest) => refOf(manifest).group === group && manifest.kind === kind),
  };
}
const gitRepository = (spec: object = {}, namespace = 'flux-system'): Manifest => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace, uid: 's' },
  spec: { interval: '1m', url: 'https://git.example/fleet', ...spec },
});
function kustomization(spec: object = {}, metadata: object = {}): Manifest {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'web', namespace: 'flux-system', uid: 'k', ...metadata },
    spec: { interval: '10m', prune: true, sourceRef: { kind: 'GitRepository', name: 'fleet' }, ...spec },
  };
}
function compile(resource: Manifest, lookup: readonly Manifest[] = [gitRepository()], as = dialect): Unit {
  const [unit, ...more] = as.compile(resource, lookupOf(lookup));
  expect(more).toEqual([]);
  return unit!;
}
const said = ({ unsupported }: Unit): string =>
  unsupported.map(({ code, message }) => `${code}: ${message}`).join('\n');

describe('goldens', () => {
  const cases = readdirSync(goldens).filter((name) => existsSync(path.join(goldens, name, 'input.yaml')));
  const read = (name: string, file: string): string => readFileSync(path.join(goldens, name, file), 'utf8');
  const unitOf = (name: string): Unit =>
    compile(
      parse(read(name, 'input.yaml')) as Manifest,
      parseAllDocuments(read(name, 'lookup.yaml')).map((document) => document.toJS() as Manifest),
    );

  it.each(cases)('%s', async (name) => {
    const unit = `${JSON.stringify(unitOf(name), null, 2)}\n`;
    await expect(unit).toMatchFileSnapshot(path.join(goldens, name, 'unit.json'));
  });
  it('of the published ones only the encrypted one is refused', () => {
    const refused = cases.filter((name) => name.startsWith('seed-') && unitOf(name).unsupported.length > 0);
    expect(refused).toEqual(['seed-payments-api-secrets']);
  });
});

describe('F30: what is known and not honoured blocks the Unit, by name', () => {
  const specs: readonly (readonly [string, object])[] = [
    ['spec.postBuild', { postBuild: { substitute: { A: 'b' } } }],
    ['spec.decryption', { decryption: { provider: 'sops' } }],
    ['spec.serviceAccountName', { serviceAccountName: 'deployer' }],
    ['spec.kubeConfig', { kubeConfig: { secretRef: { name: 'a' } } }],
    ['spec.healthCheckExprs', { healthCheckExprs: [{ kind: 'A' }] }],
    ['spec.ignore', { ignore: '*.md' }],
    ['spec.buildMetadata', { buildMetadata: ['originAnnotations'] }],
    ['spec.patchesStrategicMerge', { patchesStrategicMerge: [{ kind: 'Service' }] }],
    ['spec.patchesJson6902', { patchesJson6902: [{ target: { kind: 'Service' }, patch: [] }] }],
    ['spec.images[1].tagSuffix', { images: [{ name: 'a' }, { name: 'b', tagSuffix: '-x' }] }],
    ['spec.dependsOn[0].readyExpr', { dependsOn: [{ name: 'a', readyExpr: 'true' }] }],
    ['spec.deletionPolicy: Later', { deletionPolicy: 'Later' }],
    ['The source OCIRepository fleet', { sourceRef: { kind: 'OCIRepository', name: 'fleet' } }],
    ['The source Bucket fleet', { sourceRef: { kind: 'Bucket', name: 'fleet' } }],
  ];
  it.each(specs)('%s', (text, spec) => {
    expect(said(compile(kustomization(spec)))).toContain(`Unsupported: ${text}`);
  });
  const sources: readonly (readonly [string, object])[] = [
    ['spec.verify.mode', { verify: { mode: 'Everything', secretRef: { name: 'keys' } } }],
    ['spec.include', { include: [{ repository: { name: 'a' } }] }],
    ['spec.sparseCheckout', { sparseCheckout: ['a'] }],
    ['spec.recurseSubmodules', { recurseSubmodules: true }],
    ['spec.proxySecretRef', { proxySecretRef: { name: 'a' } }],
    ['spec.provider', { provider: 'azure' }],
    ['spec.serviceAccountName', { serviceAccountName: 'reader' }],
    ['spec.ref.name', { ref: { name: 'refs/pull/1/head' } }],
  ];
  it.each(sources)('of its source: %s', (text, spec) => {
    expect(said(compile(kustomization(), [gitRepository(spec)]))).toContain(`Unsupported: ${text}`);
  });
  it('what asks for nothing is no reason', () => {
    const spec = { force: false, postBuild: {}, decryption: null, healthCheckExprs: [], wait: false };
    expect(said(compile(kustomization(spec), [gitRepository({ provider: 'generic', include: [] })]))).toBe(
      '',
    );
  });
  it('what is not known is a warning', () => {
    const { unsupported, warnings } = compile(kustomization({ spelledWrong: 1 }));
    expect([unsupported, warnings.map(({ code }) => code)]).toEqual([[], ['UnknownField']]);
  });
});

describe('force', () => {
  it.each([
    [{ force: true }, { force: true }],
    [{ force: false }, undefined],
    [{}, undefined],
  ])('%j is %j for every object', (spec, objects) => {
    const { sync, unsupported } = compile(kustomization(spec));
    expect([sync.objects, unsupported]).toEqual([objects, []]);
  });
});

describe('the source', () => {
  it.each([
    [{}, { branch: 'master' }],
    [{ branch: 'main' }, { branch: 'main' }],
    [{ branch: 'main', tag: 'v1' }, { tag: 'v1' }],
    [{ tag: 'v1', semver: '>=1' }, { semver: '>=1' }],
    [{ semver: '>=1', name: 'refs/tags/v2' }, { name: 'refs/tags/v2' }],
    [
      { name: 'refs/heads/x', branch: 'main', commit: 'a'.repeat(40) },
      { commit: 'a'.repeat(40), on: 'main' },
    ],
  ])('ref %j is %j', (ref, expected) => {
    expect(compile(kustomization(), [gitRepository({ ref })]).inputs[0]?.source.ref).toEqual(expected);
  });
  it.each([
    [{}, 60_000],
    [{ timeout: '20s' }, 20_000],
    [{ timeout: '1h' }, 3_600_000],
  ])('%j gives its server %j ms', (spec, ms) => {
    expect(compile(kustomization(), [gitRepository(spec)]).inputs[0]?.source.timeout).toEqual({
      ms,
      where: 'spec.timeout of GitRepository flux-system/fleet',
    });
  });
  it('that is missing is waited for', () => {
    const unit = compile(kustomization(), []);
    expect([said(unit), unit.inputs]).toEqual([
      'SourceMissing: GitRepository flux-system/fleet does not exist',
      [],
    ]);
  });
  it('S6: in another namespace is refused, unless all namespaces trust each other', () => {
    const foreign = kustomization({
      sourceRef: { kind: 'GitRepository', name: 'fleet', namespace: 'other' },
    });
    expect(said(compile(foreign, [gitRepository({}, 'other')]))).toContain('CrossNamespaceDenied');
    const trusting = fluxDialect({ allowsOtherNamespaces: true });
    expect(said(compile(foreign, [gitRepository({}, 'other')], trusting))).toBe('');
  });
  it.each(['', './', '.', '/', './a/..'])('path %j is its root', (text) => {
    expect(compile(kustomization({ path: text })).inputs[0]?.path).toBe('.');
  });
  it('S2: no path leads out of it', () => {
    expect(compile(kustomization({ path: '../../a' })).inputs[0]?.path).toBe('a');
  });
});

describe('deletion', () => {
  const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['finalizers.fluxcd.io'] };
  it.each([
    [{}, false],
    [{ prune: false }, true],
    [{ deletionPolicy: 'Orphan' }, true],
    [{ prune: false, deletionPolicy: 'Delete' }, false],
    [{ suspend: true }, true],
    [{ interval: 7 }, true],
  ])('%j leaves its objects: %j', (spec, leaves) => {
    const { teardown } = compile(kustomization(spec, deleted));
    expect(teardown?.leavesObjects ?? false).toBe(leaves);
  });
});

describe('F28: a spec that cannot be read', () => {
  it('fails by itself, by its path', () => {
    expect(said(compile(kustomization({ interval: 'often' })))).toMatch(/^InvalidSpec: spec.interval/);
    expect(said(compile(kustomization({ dependsOn: [{}] })))).toMatch(/^InvalidSpec: spec.dependsOn.0.name/);
    expect(said(compile(kustomization(), [gitRepository({ interval: 'often' })]))).toMatch(/spec.interval/);
  });
  it('whatever it is, compiling never throws and gives one Unit', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (spec, source) => {
        const resource = { ...kustomization(), spec };
        const repository = { ...gitRepository(), spec: source };
        const units = dialect.compile(resource, lookupOf([repository]));
        expect(units).toHaveLength(1);
        for (const each of dialect.sources) each.compile(repository, lookupOf([]));
      }),
      { numRuns: 300 },
    );
  });
});
