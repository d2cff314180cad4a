/** Stage 3 for one input: finds out what kind of source a directory is, and has it rendered in the sandbox. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, type JsonObject } from '#model/json.ts';
import type { Meter, Renderer, RenderFiles, RenderRequest } from '#model/ports.ts';
import type { PathEntry, Rendered, TreePaths } from '#model/rendered.ts';
import type { DirectoryRender, HelmRender, KustomizeRender } from '#model/unit.ts';
import { contentOfTrace } from '../source/dependence.ts';
import { presentComponents } from './components.ts';
import { renderClosed, type ClosureTools } from './closure.ts';
import { capabilityAnswers, clusterDigest, helmFor } from './cluster-trace.ts';
import { dependenciesOf, noDependencies } from './dependencies.ts';
import { renderDirectory } from './directory.ts';
import { generateKustomization, kustomizationNames } from './generated.ts';
import { renderLimits } from './limits.ts';
import { questionOf, questionText } from './lookups.ts';
import type { RenderSandbox } from './protocol.ts';
import { placed } from './named-files.ts';
import { refusal } from './refusal.ts';
import { Sandbox, type SandboxOptions } from './sandbox.ts';
import { traceOf, type RenderedParts } from './trace.ts';

export function createRenderer(options: SandboxOptions): Renderer & { close(): Promise<void> } {
  const sandbox = new Sandbox(options);
  return {
    ...rendererOn(sandbox, options.meter),
    prepare: () => sandbox.prepare(),
    close: () => sandbox.close(),
  };
}

export function rendererOn(sandbox: RenderSandbox, meter?: Meter): Renderer {
  return {
    render: async (request, files, remotes) => {
      const rendered = await render(request, { files, remotes, sandbox });
      meter?.count('trueup_renders_total', { result: rendered.ok ? 'ok' : rendered.failure.code });
      return rendered;
    },
  };
}

type Settled = DirectoryRender | KustomizeRender | HelmRender;

async function render(request: RenderRequest, tools: ClosureTools): Promise<Result<Rendered>> {
  const watched = await lookAtWatched(request, tools.files);
  if (!watched.ok) return watched;
  const found = await settle(request, tools.files);
  if (!found.ok) return found;
  const { spec } = found.value;
  const looked = new Map([...watched.value, ...found.value.looked]);
  const rendered =
    spec.kind === 'directory'
      ? await renderDirectory({ ...request, spec }, tools)
      : await renderTool(spec, request, tools);
  if (!rendered.ok) return rendered;
  // What was looked for to find out the kind of source is part of what it depends on.
  const own = traceOf(
    {
      files: [...new Set([...rendered.value.paths.files, ...those(watched.value, 'file')])].toSorted(),
      listings: rendered.value.paths.listings,
      absent: [...new Set([...rendered.value.paths.absent, ...those(looked, 'absent')])].toSorted(),
    },
    new Map([...looked, ...rendered.value.entries]),
  );
  const { objects, warnings, cluster, remotes = [] } = rendered.value;
  const read = remotes.map(({ url, ref, commit, paths, entries }) => {
    return { url, ref, commit, ...traceOf(paths, entries) };
  });
  const trace = { ...own, ...cluster, ...(read.length === 0 ? {} : { remotes: read }) };
  const version = await tools.sandbox.version();
  const key = digestOf(
    canonicalJson({
      renderer: version,
      spec: request.spec,
      root: request.root,
      content: contentOfTrace(trace),
      cluster: clusterDigest(trace),
    }),
  );
  return ok({ key, objects, warnings, trace });
}

function those(looked: ReadonlyMap<string, PathEntry>, wanted: PathEntry['kind']): readonly string[] {
  return [...looked].flatMap(([path, { kind }]) => (kind === wanted ? [path] : []));
}

async function renderTool(
  spec: KustomizeRender | HelmRender,
  request: RenderRequest,
  tools: ClosureTools,
): Promise<Result<RenderedParts>> {
  const served = spec.kind === 'helm' ? await request.view?.capabilities() : undefined;
  if (served?.ok === false) return served;
  const capabilities = served?.value;
  const { values, named } = placed(spec.kind === 'helm' ? spec.values : {}, tools.remotes);
  const present = spec.kind === 'kustomize' ? await presentComponents(spec, request, tools.files) : undefined;
  if (present?.ok === false) return present;
  const { kind, ...options } =
    spec.kind === 'helm'
      ? { ...helmFor(spec, capabilities), values }
      : withoutGenerating(present?.value.spec ?? spec);
  const generating = spec.kind === 'kustomize' ? spec.generates : undefined;
  const generated =
    generating === undefined ? ok(undefined) : await generateKustomization(request, generating, tools.files);
  if (!generated.ok) return generated;
  const given = { ...options, path: request.root, limits: { ...renderLimits } } as unknown as JsonObject;
  const files = generated.value?.files ?? tools.files;
  const depends = spec.kind === 'helm' ? await dependenciesOf(request, files) : ok(noDependencies);
  if (!depends.ok) return depends;
  const { dependencies } = depends.value;
  const looked = new Map([...depends.value.looked, ...(present?.value.looked ?? [])]);
  const closed = await renderClosed(kind, given, request, { ...tools, files }, { named, dependencies });
  if (!closed.ok) return closed;
  const { done, entries: read, remotes, lookups } = closed.value;
  const { asked, warnings, objects } = done;
  const entries = new Map([...read, ...looked]);
  const paths = withLooked(done.trace, looked);
  const answers =
    asked.capabilities === undefined
      ? ok(undefined)
      : capabilityAnswers(asked.capabilities, spec, capabilities);
  if (!answers.ok) return answers;
  // What else the cluster serves by now is no reason to make up others.
  const isMadeUp = done.random.length > 0;
  const cluster = {
    ...(asked.lookups === undefined ? {} : { lookups }),
    ...(answers.value === undefined || isMadeUp ? {} : { capabilities: answers.value }),
  };
  const unsure =
    asked.lookups === undefined || request.view !== undefined
      ? []
      : [unanswered(asked.lookups, request.root)];
  const parts = { objects, warnings: [...warnings, ...unsure], paths, entries, remotes, cluster };
  return ok(generated.value === undefined ? parts : generated.value.undo(parts));
}

function withLooked(paths: TreePaths, looked: ReadonlyMap<string, PathEntry>): TreePaths {
  const also = (kind: PathEntry['kind'], names: readonly string[]): readonly string[] => [
    ...new Set([...names, ...[...looked].flatMap(([path, entry]) => (entry.kind === kind ? [path] : []))]),
  ];
  return { ...paths, files: also('file', paths.files), absent: also('absent', paths.absent) };
}

/** That is done here, and the renderer in the sandbox knows nothing of it. */
function withoutGenerating(spec: KustomizeRender): KustomizeRender {
  const { generates: _, ...rest } = spec;
  return rest;
}

function unanswered(questions: readonly string[], root: string): Failure {
  const [first] = questions;
  const more = questions.length > 1 ? ` and ${questions.length - 1} more` : '';
  return refusal(
    'LookupUnanswered',
    `The chart looks up ${questionText(questionOf(first!))}${more}; without a cluster nothing is found.`,
    '`trueup plan` asks the cluster',
    { path: root || '.' },
  );
}

async function lookAtWatched(
  { watchedFiles = [], url, commit, root }: RenderRequest,
  files: RenderFiles,
): Promise<Result<ReadonlyMap<string, PathEntry>>> {
  const paths = watchedFiles.map((name) => (root === '' ? name : `${root}/${name}`));
  const entries = await files.look(url, commit, paths);
  if (!entries.ok) return entries;
  return ok(new Map(paths.map((path, index) => [path, entries.value[index]!])));
}

/** As Argo CD finds it: a kustomization file decides before a chart does. */
async function settle(
  { spec, url, commit, root }: RenderRequest,
  files: RenderFiles,
): Promise<Result<{ readonly spec: Settled; readonly looked: ReadonlyMap<string, PathEntry> }>> {
  if (spec.kind !== 'detect') return ok({ spec, looked: new Map() });
  const paths = [...kustomizationNames, 'Chart.yaml'].map((name) => (root === '' ? name : `${root}/${name}`));
  const entries = await files.look(url, commit, paths);
  if (!entries.ok) return entries;
  const isThere = entries.value.map(({ kind }) => kind === 'file');
  const looked = new Map(paths.map((path, index) => [path, entries.value[index]!]));
  const found = (['kustomize', 'helm'] as const).filter((tool) =>
    (tool === 'helm' ? isThere.slice(-1) : isThere.slice(0, -1)).includes(true),
  );
  const tool = found.find((name) => spec.without?.includes(name) !== true);
  const [off] = found;
  if (tool === undefined && off !== undefined)
    return fail(
      refusal(
        'Unsupported',
        `The directory is a source for ${off}, which the control plane turns off.`,
        `turn it on (${off}.enable in argocd-cm), or name another path`,
        { path: root || '.' },
      ),
    );
  return ok({ spec: tool === undefined ? spec.directory : spec[tool], looked });
}
