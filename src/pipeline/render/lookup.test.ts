/** What charts ask of the cluster: found, noticed exactly, bounded, and no secret in any message (S14). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#fields/digest.ts';
import { systemTimers } from '#host/clock.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { Capabilities, ClusterView, Renderer } from '#model/ports.ts';
import type { Rendered } from '#model/rendered.ts';
import type { HelmRender } from '#model/unit.ts';
import { createRenderer } from './renderer.ts';
import { noRemotes, repositoryOf, type Contents } from './repository.fixture.ts';

let renderer: Renderer & { close(): Promise<void> };
beforeAll(() => {
  renderer = createRenderer({ workers: 1, deadlineMs: 15_000, timers: systemTimers });
});
afterAll(() => renderer.close());

const served: Capabilities = { kubeVersion: 'v1.36.2+k3s1', apiVersions: ['x/v1'], unknown: [] };
const helm: HelmRender = { kind: 'helm', releaseName: 'r', namespace: 'n', values: {} };

/** A cluster with these objects, by question; it notes what it is asked. */
function viewOf(objects: Readonly<Record<string, unknown>>, capabilities: Partial<Capabilities> = {}) {
  const asked: string[] = [];
  const view: ClusterView = {
    capabilities: () => Promise.resolve(ok({ ...served, ...capabilities })),
    lookUp: (questions) => {
      asked.push(...questions);
      const answers = questions.map((question) => {
        const [, kind = '', , name = ''] = JSON.parse(question) as readonly string[];
        const found = objects[`${kind}/${name}`];
        const text = found === undefined ? '' : JSON.stringify(found);
        return { text, digest: digestOf(text), secret: kind === 'Secret' };
      });
      return Promise.resolve(ok(answers));
    },
  };
  return { view, asked };
}

function render(template: string, view?: ClusterView, more: Partial<HelmRender> = {}, files: Contents = {}) {
  const contents = {
    'c/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\n',
    'c/templates/t.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: ${template}\n`,
    ...files,
  };
  const request = { spec: { ...helm, ...more }, url: 'r', commit: 'c', root: 'c', tree: 't' };
  return renderer.render(
    { ...request, ...(view === undefined ? {} : { view }) },
    repositoryOf(contents, 'c'),
    noRemotes,
  );
}
function value(result: Result<Rendered>): unknown {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return (result.value.objects[0]!.manifest['data'] as { a: unknown }).a;
}
const trace = (result: Result<Rendered>) => (result.ok ? result.value.trace : undefined);

describe('lookup', () => {
  const settings = { data: { a: 'one' }, spec: { replicas: 1_000_000 } };

  it('gives the object, its integers as Kubernetes has them, and is part of the trace', async () => {
    const { view, asked } = viewOf({ 'ConfigMap/s': settings });
    const template = '"{{ $s := lookup "v1" "ConfigMap" "n" "s" }}{{ $s.data.a }} {{ $s.spec.replicas }}"';
    const result = await render(template, view);
    expect(value(result)).toBe('one 1000000');
    expect(asked).toEqual(['["v1","ConfigMap","n","s"]']);
    expect(trace(result)?.lookups).toEqual({
      '["v1","ConfigMap","n","s"]': digestOf(JSON.stringify(settings)),
    });
    expect(result.ok && result.value.warnings).toEqual([]);
  });
  it('gives nothing for what is not there, and a list for no name', async () => {
    const { view } = viewOf({ 'ConfigMap/': { items: [{}, {}] } });
    const template =
      '"{{ lookup "v1" "ConfigMap" "n" "s" | empty }} {{ len (lookup "v1" "ConfigMap" "n" "").items }}"';
    expect(value(await render(template, view))).toBe('true 2');
  });
  it('asks only what the templates ask with the true answers', async () => {
    const { view, asked } = viewOf({ 'ConfigMap/s': settings });
    const template =
      '"{{ if not (lookup "v1" "ConfigMap" "n" "s") }}{{ lookup "v1" "Secret" "n" "x" }}{{ end }}"';
    await render(template, view);
    expect(asked).toEqual(['["v1","ConfigMap","n","s"]']);
  });
  it('that is refused fails at the template and the line', async () => {
    const refused = {
      kind: 'blocked',
      code: 'LookupForbidden',
      stage: 'render',
      message: 'm',
      hint: 'h',
    } as const;
    const view = { ...viewOf({}).view, lookUp: () => Promise.resolve(fail(refused)) };
    const result = await render('"{{ lookup "v1" "ConfigMap" "n" "s" }}"', view);
    expect(result).toMatchObject({ failure: { ...refused, at: { path: 'c/templates/t.yaml', line: 5 } } });
  });
  it('without end is refused', async () => {
    const template = '"{{ range until 200 }}{{ lookup "v1" "ConfigMap" "n" (print "s" .) }}{{ end }}"';
    const result = await render(template, viewOf({}).view);
    expect(result).toMatchObject({ failure: { code: 'LookupTooLarge' } });
  });
  it('finds nothing without a cluster, and says so once', async () => {
    const result = await render(
      '"{{ lookup "v1" "ConfigMap" "n" "s" | len }}{{ lookup "v1" "Secret" "n" "x" | len }}"',
    );
    expect(value(result)).toBe('00');
    expect(result.ok && result.value.warnings).toMatchObject([
      { code: 'LookupUnanswered', message: expect.stringContaining('ConfigMap n/s and 1 more') },
    ]);
  });
});

describe('S14: the value of a Secret that is looked up', () => {
  const password = 'canary-4711-hunter';
  const { view } = viewOf({
    'Secret/s': { data: { p: Buffer.from(password).toString('base64'), short: 'eHl6Kg==' } },
  });
  const secret = '(lookup "v1" "Secret" "n" "s").data';

  it.each([
    ['quoted by the template', `{{ fail (${secret}.p | b64dec) }}`],
    ['quoted as it is stored', `{{ fail (print "no " ${secret}.p) }}`],
    ['cut into pieces', `{{ fail (${secret}.p | b64dec | trunc 12) }}`],
    ['that is short', `{{ fail (${secret}.short | b64dec) }}`],
    ['of a wrong type', `{{ semverCompare ">1" (${secret}.p | b64dec) }}`],
    ['that is no YAML', `{{ ${secret}.p | b64dec }}: [`],
    ['that names an object', `x\n---\napiVersion: v1\nkind: {{ ${secret}.p | b64dec }}\nmetadata: {name: 1}`],
  ])('%s is in no failure', async (_, template) => {
    const result = await render(template, view);
    const text = JSON.stringify(result);
    expect(result).toMatchObject({ ok: false, failure: { at: { path: 'c/templates/t.yaml' } } });
    expect(text).not.toMatch(/canary|4711|hunter|Y2FuYXJ5|xyz|eHl6/);
  });
  it('is not in the trace; other failures keep their words', async () => {
    const found = await render(`{{ ${secret}.p | sha256sum }}`, view);
    expect(JSON.stringify(trace(found))).not.toMatch(/canary|Y2FuYXJ5/);
    const failed = await render(`{{ ${secret}.p | b64dec | len }}{{ fail "set the region" }}`, view);
    expect(failed).toMatchObject({ failure: { message: expect.stringContaining('set the region') } });
  });
});

describe('capabilities', () => {
  const asked = async (template: string, files: Contents = {}, more: Partial<HelmRender> = {}) =>
    trace(await render(template, viewOf({}).view, more, files))?.capabilities;

  it('that nothing asks for are not part of the trace', async () => {
    expect(await asked('"1"')).toBeUndefined();
    expect(await asked('{{ .Capabilities.HelmVersion.Version }}')).toBeUndefined();
  });
  it('are traced question by question', async () => {
    const template =
      '"{{ .Capabilities.APIVersions.Has "x/v1" }}{{ .Capabilities.APIVersions.Has "y/v1" }}{{ .Capabilities.APIVersions.Has "apps/v1" }}"';
    expect(await asked(template)).toEqual({ apiVersions: { 'x/v1': true, 'y/v1': false } });
    expect(await asked('{{ .Capabilities.KubeVersion.Minor | quote }}')).toEqual({
      kubeVersion: served.kubeVersion,
      apiVersions: {},
    });
  });
  it('are as the official ones, whatever is done with them', async () => {
    const { view } = viewOf({});
    const seen = async (template: string) => value(await render(template, view));
    expect(await seen('"{{ .Capabilities.KubeVersion }}"')).toBe('v1.36.2');
    expect(await seen('"{{ .Capabilities.KubeVersion.GitVersion }}"')).toBe(served.kubeVersion);
    expect(await seen('"{{ .Capabilities.KubeVersion | toString }}"')).toBe('{v1.36.2+k3s1 v1.36.2 1 36}');
    expect(await seen('"{{ has "x/v1" .Capabilities.APIVersions }}"')).toBe('true');
    expect(await seen('"{{ kindOf .Capabilities.APIVersions }}"')).toBe('slice');
    expect(await seen('"{{ last .Capabilities.APIVersions }}"')).toBe('x/v1');
    expect(await seen('"{{ (.Capabilities | toJson | fromJson).KubeVersion.Minor }}"')).toBe('36');
    expect(await seen('"{{ with .Capabilities }}{{ .APIVersions.Has "x/v1" }}{{ end }}"')).toBe('true');
  });
  it.each([
    ['taken as a list', '"{{ len .Capabilities.APIVersions }}"', {}],
    ['kept for later', '"{{ $v := .Capabilities.APIVersions }}{{ $v.Has "x/v1" }}"', {}],
    ['printed', '"{{ print .Capabilities | len }}"', {}],
    [
      'taken by text that is a template',
      '"{{ tpl .Values.t . }}"',
      { t: '{{ len .Capabilities.APIVersions }}' },
    ],
  ])('that are %s are traced as a whole', async (_, template, values) => {
    const inline = { values: { inline: [JSON.stringify(values)] } };
    expect(await asked(template, {}, inline)).toMatchObject({ whole: expect.stringMatching(/^sha256:/) });
  });
  it('that the chart itself wants are traced', async () => {
    const files = { 'c/Chart.yaml': 'apiVersion: v2\nname: c\nversion: 1.0.0\nkubeVersion: ">=1.30.0-0"\n' };
    expect(await asked('"1"', files)).toMatchObject({ kubeVersion: served.kubeVersion });
  });
  it('that the Application names are those, whatever the cluster has', async () => {
    const template = '"{{ .Capabilities.APIVersions.Has "x/v1" }}"';
    const more = { apiVersions: ['z/v1'], kubeVersion: '1.30.0' };
    expect(await asked(template, {}, more)).toEqual({ apiVersions: { 'x/v1': false } });
  });
  it('F19: that cannot be told now are not taken for missing', async () => {
    const { view } = viewOf({}, { unknown: ['y/v1'] });
    const has = (apiVersion: string) => render(`"{{ .Capabilities.APIVersions.Has "${apiVersion}" }}"`, view);
    expect(value(await has('x/v1'))).toBe('true');
    expect(value(await has('z/v1'))).toBe('false');
    const failed = { failure: { kind: 'transient', code: 'DiscoveryIncomplete' } };
    expect(await has('y/v1')).toMatchObject(failed);
    expect(await has('y/v1/Thing')).toMatchObject(failed);
    expect(await render('"{{ len .Capabilities.APIVersions }}"', view)).toMatchObject(failed);
  });
});
