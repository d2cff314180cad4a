/** `trueup render`: the manifests that a directory gives, without any cluster. What runs in a pull request's pipeline. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { masked } from '#fields/secrets.ts';
import type { Lookup } from '#model/dialect.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import { jsonText } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { RenderFiles } from '#model/ports.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { RenderSpec, Unit } from '#model/unit.ts';
import { locate } from '#pipeline/source/locate.ts';
import { overridden } from '#pipeline/source/overrides.ts';
import { remotesOf } from '#pipeline/source/remotes.ts';
import { CommandEnd, endOf, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { readManifests } from './manifest-files.ts';
import { yamlText } from './yaml-text.ts';

export interface RenderOptions {
  readonly repo: string;
  readonly path?: string;
  readonly ref?: string;
  /** A file with an Application: how its source is rendered. */
  readonly app?: string;
  readonly destNamespace: string;
  readonly recurse?: boolean;
  readonly mirror: readonly { readonly from: string; readonly to: string }[];
  readonly output: 'yaml' | 'json';
  readonly origins?: boolean;
  readonly showSecrets?: boolean;
}

/** `git@host:org/repo` names a host, too. */
const isUrl = (repo: string): boolean => /^([a-z][a-z0-9+.-]*:\/\/|[^/]+@[^/]+:)/i.test(repo);

/** The repository to fetch from; undefined: the directory is read as it stands on the disk. */
function urlOf({ repo, ref }: RenderOptions): string | undefined {
  if (isUrl(repo)) return repo;
  return ref === undefined ? undefined : pathToFileURL(path.resolve(repo)).href;
}

export async function renderCommand(options: RenderOptions, ports: CommandPorts): Promise<void> {
  const unit = unitOf(options, ports);
  const [input] = unit.inputs;
  if (input === undefined || input.render.kind === 'none')
    throw new CommandEnd(exitCodes.usage, 'there is nothing to render: no source');
  const tools = ports.rendering(options);
  const root = input.path === '.' ? '' : input.path;
  const files = urlOf(options) === undefined ? tools.directory(options.repo) : tools.repositories;
  if (urlOf(options) === undefined) await mustBeThere(options.repo, root, files);
  const at = urlOf(options) === undefined ? { commit: 'here', tree: root } : await place(unit, tools);
  const { url } = input.source;
  const said = orEnd(await overridden(input, { url, commit: at.commit }, files, tools));
  const spec = said.input.render as RenderSpec;
  const remotes = remotesOf({ unit, input: said.input, named: new Map() }, tools);
  const rendered = orEnd(await tools.renderer.render({ spec, url, root, ...at }, files, remotes));
  for (const warning of [...said.warnings, ...rendered.warnings])
    ports.say(`warning: ${failureLine(warning)}\n`);
  if (rendered.objects.length === 0) ports.say(`warning: ${root || '.'} gives no objects\n`);
  const shown = rendered.objects.map((object) =>
    options.showSecrets === true ? object : { ...object, manifest: masked(object.manifest) },
  );
  ports.out(options.output === 'json' ? asJson(shown, options) : asYaml(shown, options));
}

/** A wrong path must not look like a source without objects: what compares the output would see everything vanish. */
async function mustBeThere(repo: string, root: string, files: RenderFiles): Promise<void> {
  const [entry] = orEnd(await files.look('', '', [root]));
  if (entry?.kind === 'directory') return;
  const what = entry?.kind === 'file' ? 'is a file, not a directory' : 'is not there';
  const failure: Failure = {
    kind: 'terminal',
    code: 'PathNotFound',
    stage: 'artifact',
    message: `the directory ${what}`,
    hint: 'correct --repo or --path',
    at: { path: path.join(repo, root) },
  };
  throw endOf(failure);
}

async function place(
  unit: Unit,
  tools: ReturnType<CommandPorts['rendering']>,
): Promise<{ readonly commit: string; readonly tree: string }> {
  const located = orEnd(await locate({ unit, state: undefined }, tools));
  const [first] = located.inputs;
  return { commit: first!.revision.commit, tree: first!.tree };
}

function unitOf(options: RenderOptions, ports: CommandPorts): Unit {
  const given = options.app === undefined ? [] : readManifests(options.app, ports);
  const application = applicationOf(options, given);
  const dialect = ports.dialects('argocd').find(({ kind }) => kind.kind === application.kind);
  const [unit] = dialect?.compile(application, projectsOf(given)) ?? [];
  const refused = unit?.unsupported.find(({ stage }) => stage === 'compile');
  if (refused !== undefined)
    throw endOf(options.app === undefined ? refused : { at: { path: options.app }, ...refused });
  return unit!;
}

/** The projects that stand beside the Application: which other repositories may be named is theirs to say. */
function projectsOf(manifests: readonly Manifest[]): Lookup {
  const projects = manifests.filter(({ kind }) => kind === 'AppProject');
  return {
    get: ({ kind, name }) => projects.find((one) => one.kind === kind && one.metadata?.name === name),
    list: (_group, kind) => (kind === 'AppProject' ? projects : []),
  };
}

/** The Application of the file, its source where the options say; without a file one that says nothing else. */
function applicationOf(options: RenderOptions, manifests: readonly Manifest[]): Manifest {
  const given: Partial<Manifest> & { spec?: any } =
    options.app === undefined ? {} : theApplication(options.app, manifests);
  const { spec } = given;
  const sources = spec?.sources ?? [];
  if (sources.length > 1)
    throw new CommandEnd(
      exitCodes.usage,
      `${options.app}: has ${sources.length} sources, and --repo is one; trueup app manifests renders all of them`,
    );
  // The directory is what is rendered, also where the file names a chart of a repository.
  const { chart: _, ...written } = sources[0] ?? spec?.source ?? {};
  const source = {
    ...written,
    repoURL: urlOf(options) ?? 'file:///here',
    path: options.path ?? written.path ?? '.',
    targetRevision: options.ref ?? written.targetRevision ?? 'HEAD',
    ...(options.recurse === true ? { directory: { ...written.directory, recurse: true } } : {}),
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: given.metadata?.name ?? 'release-name', namespace: 'argocd', uid: 'render' },
    spec: {
      project: spec?.project ?? 'default',
      source,
      destination: { namespace: spec?.destination?.namespace ?? options.destNamespace },
    },
  };
}

function theApplication(file: string, manifests: readonly Manifest[]): Manifest {
  const applications = manifests.filter(({ kind }) => kind === 'Application');
  if (applications.length !== 1)
    throw new CommandEnd(
      exitCodes.usage,
      `${file}: has ${applications.length} Applications; give a file with one`,
    );
  return applications[0]!;
}

function asYaml(objects: readonly RenderedObject[], { origins }: RenderOptions): string {
  return objects
    .map(({ manifest, at }) => {
      const line = at.line === undefined ? '' : `:${at.line}`;
      return `---\n${origins === true ? `# ${at.path}${line}\n` : ''}${yamlText(manifest)}`;
    })
    .join('');
}

function asJson(objects: readonly RenderedObject[], { origins }: RenderOptions): string {
  const items = objects.map(({ manifest, at }) => (origins === true ? { origin: at, manifest } : manifest));
  return `${jsonText(origins === true ? items : { apiVersion: 'v1', kind: 'List', items }, 2)}\n`;
}
