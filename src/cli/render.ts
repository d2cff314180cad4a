/** `trueup render`: the manifests that a directory gives, without any cluster. What runs in a pull request's pipeline. */
import { parse, stringify } from 'yaml';
import type { Lookup } from '#model/dialect.ts';
import { failureLine } from '#model/failure.ts';
import { jsonText } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { RenderedObject } from '#model/rendered.ts';
import type { Input } from '#model/unit.ts';
import { locate } from '#pipeline/source/locate.ts';
import { CommandEnd, endOf, orEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { withoutSecrets } from './secrets.ts';

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

export async function renderCommand(options: RenderOptions, ports: CommandPorts): Promise<void> {
  const input = inputOf(options, ports);
  const tools = ports.rendering(options);
  const root = input.path === '.' ? '' : input.path;
  const isUrl = /^[a-z]+:\/\//i.test(options.repo);
  const request = { spec: input.render, url: input.source.url, root };
  const rendered = orEnd(
    isUrl
      ? await tools.renderer.render(
          { ...request, ...(await place(input, options, ports, tools)) },
          tools.repositories,
        )
      : await tools.renderer.render(
          { ...request, commit: 'here', tree: root },
          tools.directory(options.repo),
        ),
  );
  for (const warning of rendered.warnings) ports.say(`warning: ${failureLine(warning)}\n`);
  const shown = rendered.objects.map((object) =>
    options.showSecrets === true ? object : { ...object, manifest: withoutSecrets(object.manifest) },
  );
  ports.out(options.output === 'json' ? asJson(shown, options) : asYaml(shown, options));
}

async function place(
  input: Input,
  options: RenderOptions,
  ports: CommandPorts,
  tools: ReturnType<CommandPorts['rendering']>,
): Promise<{ readonly commit: string; readonly tree: string }> {
  const [unit] = ports.dialect('argocd').compile(applicationOf(options, ports), nothing);
  const located = orEnd(
    await locate({ unit: { ...unit!, inputs: [input] }, state: undefined }, tools.repositories),
  );
  const [first] = located.inputs;
  return { commit: first!.revision.commit, tree: first!.tree };
}

const nothing: Lookup = { get: () => undefined, list: () => [] };

function inputOf(options: RenderOptions, ports: CommandPorts): Input {
  const [unit] = ports.dialect('argocd').compile(applicationOf(options, ports), nothing);
  const refused = unit?.unsupported.find(({ stage }) => stage === 'compile');
  if (refused !== undefined) throw endOf(refused);
  const [input] = unit?.inputs ?? [];
  if (input === undefined) throw new CommandEnd(exitCodes.usage, 'there is nothing to render: no source');
  return input;
}

/** The Application of the file, its source where the options say; without a file one that says nothing else. */
function applicationOf(options: RenderOptions, ports: CommandPorts): Manifest {
  const given: Partial<Manifest> & { spec?: any } =
    options.app === undefined ? {} : (parse(ports.readFile(options.app)) as Manifest);
  const written = given.spec?.source ?? given.spec?.sources?.[0] ?? {};
  const source = {
    ...written,
    repoURL: /^[a-z]+:\/\//i.test(options.repo) ? options.repo : 'file:///here',
    path: options.path ?? written.path ?? '.',
    targetRevision: options.ref ?? written.targetRevision ?? 'HEAD',
    ...(options.recurse === true ? { directory: { recurse: true } } : {}),
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: given.metadata?.name ?? 'release-name', namespace: 'argocd', uid: 'render' },
    spec: {
      project: 'default',
      source,
      destination: { namespace: given.spec?.destination?.namespace ?? options.destNamespace },
    },
  };
}

function asYaml(objects: readonly RenderedObject[], { origins }: RenderOptions): string {
  return objects
    .map(({ manifest, at }) => {
      const line = at.line === undefined ? '' : `:${at.line}`;
      return `---\n${origins === true ? `# ${at.path}${line}\n` : ''}${stringify(manifest)}`;
    })
    .join('');
}

function asJson(objects: readonly RenderedObject[], { origins }: RenderOptions): string {
  const items = objects.map(({ manifest, at }) => (origins === true ? { origin: at, manifest } : manifest));
  return `${jsonText(origins === true ? items : { apiVersion: 'v1', kind: 'List', items }, 2)}\n`;
}
