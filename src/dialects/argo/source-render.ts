/** How a source is rendered: what `spec.source.{directory,kustomize,helm}` say, and what its files say otherwise. */
import type { Failure } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import { revisionMarks } from '#model/revision-marks.ts';
import type {
  DirectoryRender,
  HelmRender,
  JsonnetVariable,
  KustomizeRender,
  RenderSpec,
} from '#model/unit.ts';
import type { ApplicationSource, HelmSource, JsonnetSource, KustomizeSource } from './schema.ts';
import { invalid } from '../parse-spec.ts';
import { isSet, unsupported } from './unsupported.ts';

/** What the control plane says of the tools. */
export interface RenderTools {
  /** Turned off. */
  readonly without?: readonly ('kustomize' | 'helm')[];
  readonly loadRestriction?: 'none';
}
export interface RenderContext {
  readonly application: string;
  /** As tracking marks know it: with its namespace, outside of the control plane's. */
  readonly instance: string;
  readonly project: string;
  /** Of the destination. */
  readonly namespace: string;
  /** Of sources, for `$NAME/path`. */
  readonly names: readonly string[];
  readonly tools?: RenderTools;
}

export function renderOf(source: ApplicationSource, context: RenderContext, refused: Failure[]): RenderSpec {
  const declared = [
    isSet(source.kustomize) ? ['kustomize'] : [],
    isSet(source.chart) ? ['chart'] : isSet(source.helm) ? ['helm'] : [],
    isSet(source.directory) ? ['directory'] : [],
  ].flat();
  if (declared.length > 1)
    refused.push(unsupported(`A source with ${declared.join(' and ')}`, 'keep one of them'));
  const filled = (text: string): string => substitute(text, source, context);
  const { without = [], loadRestriction = 'root' } = context.tools ?? {};
  for (const tool of without)
    if (isSet(source[tool]) || (tool === 'helm' && isSet(source.chart)))
      refused.push(invalid(`${tool}.enable in argocd-cm turns off what the source is for`, 'turn it on'));
  const directory = directoryOf(source, filled);
  const kustomize = kustomizeOf(source.kustomize ?? {}, loadRestriction, filled, refused);
  const helm = helmOf(source.helm ?? {}, source, context, refused);
  if (isSet(source.kustomize)) return kustomize;
  if (isSet(source.helm) || isSet(source.chart)) return helm;
  if (isSet(source.directory)) return directory;
  return { kind: 'detect', directory, kustomize, helm, ...(without.length === 0 ? {} : { without }) };
}

function directoryOf({ directory }: ApplicationSource, filled: (text: string) => string): DirectoryRender {
  const { include, exclude, recurse, jsonnet } = directory ?? {};
  const variablesOf = (written: JsonnetSource['tlas'] = []): readonly JsonnetVariable[] =>
    written.map(({ name, value = '', code = false }) => ({ name, value: filled(value), code }));
  return {
    kind: 'directory',
    recurse: recurse ?? false,
    ...(include === undefined || include === '' ? {} : { include }),
    ...(exclude === undefined || exclude === '' ? {} : { exclude }),
    ...(jsonnet === undefined || !isSet(jsonnet)
      ? {}
      : {
          jsonnet: {
            extVars: variablesOf(jsonnet.extVars),
            tlas: variablesOf(jsonnet.tlas),
            libs: (jsonnet.libs ?? []).map((path) => path.replace(/^(\.?\/)+/, '')),
          },
        }),
  };
}

/** Of the command with the library that is built in (scripts/render-native.sh). */
export const kustomizeVersion = 'v5.8.2';

function kustomizeOf(
  source: KustomizeSource,
  loadRestriction: KustomizeRender['loadRestriction'],
  filled: (text: string) => string,
  refused: Failure[],
): KustomizeRender {
  const { version = '', commonLabels, commonAnnotations, commonAnnotationsEnvsubst } = source;
  if (version !== '' && version.replace(/^v?/, 'v') !== kustomizeVersion)
    refused.push(
      unsupported(
        `spec.source.kustomize.version ${version} (this Trueup has ${kustomizeVersion})`,
        `remove it, or write ${kustomizeVersion}`,
      ),
    );
  const edits = {
    namePrefix: source.namePrefix,
    nameSuffix: source.nameSuffix,
    namespace: source.namespace,
    images: source.images?.map(filled),
    replicas: source.replicas?.map(({ name, count }) => ({ name, count: Number(count) })),
    labels: commonLabels && filledIn(commonLabels, filled),
    labelsForced: source.forceCommonLabels,
    labelsWithoutSelector: source.labelWithoutSelector,
    labelsInTemplates: source.labelIncludeTemplates,
    annotations:
      commonAnnotations && commonAnnotationsEnvsubst === true
        ? filledIn(commonAnnotations, filled)
        : commonAnnotations,
    annotationsForced: source.forceCommonAnnotations,
    patches: source.patches as readonly JsonObject[] | undefined,
    components: source.components,
    componentsMayMiss: source.ignoreMissingComponents,
  };
  return {
    kind: 'kustomize',
    loadRestriction,
    edits: Object.fromEntries(Object.entries(edits).filter(([, value]) => isSet(value))),
  };
}

function filledIn(
  values: Readonly<Record<string, string>>,
  filled: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, filled(value)]));
}

function helmOf(
  helm: HelmSource,
  source: ApplicationSource,
  context: RenderContext,
  refused: Failure[],
): HelmRender {
  const filled = (text: string): string => substitute(text, source, context);
  const set = (forced: boolean): readonly string[] =>
    (helm.parameters ?? [])
      .filter(({ forceString }) => (forceString ?? false) === forced)
      .map(({ name, value }) => `${name}=${escapeCommas(filled(value ?? ''))}`);
  const fileOf = (text: string): string => {
    const [, name, path = ''] = /^\$([\w-]+)\/(.*)$/.exec(text) ?? [];
    if (name !== undefined && context.names.includes(name)) return `$${name}/${filled(path)}`;
    const file = filled(text);
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file))
      refused.push(
        unsupported(
          `The file ${text} of helm, which is in none of the sources,`,
          'put it into a repository, and name that by a ref of spec.sources',
        ),
      );
    if (file.startsWith('$') || /^\$[a-z]/.test(text))
      refused.push(
        invalid(`${text} names a source that is not there`, 'give one of spec.sources that name as its ref'),
      );
    return file;
  };
  const inline = isSet(helm.valuesObject) ? JSON.stringify(helm.valuesObject) : (helm.values ?? '');
  return {
    kind: 'helm',
    releaseName: helm.releaseName || context.application,
    namespace: helm.namespace || context.namespace,
    ...(isSet(helm.kubeVersion) ? { kubeVersion: helm.kubeVersion! } : {}),
    ...(isSet(helm.apiVersions) ? { apiVersions: helm.apiVersions! } : {}),
    ...(helm.skipCrds === true ? { skipCrds: true } : {}),
    ...(helm.skipTests === true ? { skipTests: true } : {}),
    ...(helm.skipSchemaValidation === true ? { skipSchemaValidation: true } : {}),
    ...(helm.passCredentials === true ? { passCredentials: true } : {}),
    values: {
      files: (helm.valueFiles ?? []).map(fileOf),
      ignoreMissing: helm.ignoreMissingValueFiles ?? false,
      inline: inline === '' ? [] : [inline],
      set: set(false),
      setString: set(true),
      setFile: (helm.fileParameters ?? []).map(({ name, path }) => ({
        name: name ?? '',
        path: fileOf(path ?? ''),
      })),
    },
  };
}

/** In a parameter a comma would begin the next one; `{a,b}` is a list. */
function escapeCommas(value: string): string {
  return value.startsWith('{') && value.endsWith('}') ? value : value.replaceAll(/(?<!\\),/g, '\\,');
}

/**
 * Argo CD's build environment: `$NAME` or `${NAME}`; `$$` is a dollar, and what is not known is empty. KUBE_VERSION and
 * KUBE_API_VERSIONS are for plugins alone. Source: Argo CD's `Env.Envsubst`, which is Go's `os.Expand`.
 */
function substitute(
  text: string,
  source: ApplicationSource,
  { instance, project, namespace }: RenderContext,
): string {
  const known = new Map([
    ['$', '$'],
    ['ARGOCD_APP_NAME', instance],
    ['ARGOCD_APP_NAMESPACE', namespace],
    ['ARGOCD_APP_PROJECT_NAME', project],
    ['ARGOCD_APP_REVISION', revisionMarks.whole],
    ['ARGOCD_APP_REVISION_SHORT', revisionMarks.short],
    ['ARGOCD_APP_REVISION_SHORT_8', revisionMarks.short8],
    ['ARGOCD_APP_SOURCE_PATH', source.path ?? ''],
    ['ARGOCD_APP_SOURCE_REPO_URL', source.repoURL],
    ['ARGOCD_APP_SOURCE_TARGET_REVISION', source.targetRevision ?? ''],
  ]);
  return text.replaceAll(
    /\$(?:\{([^}]*)\}|\{|([*#$@!?\-\d])|(\w+))/g,
    (_, braced?: string, special?: string, plain?: string) =>
      known.get(braced ?? special ?? plain ?? '') ?? '',
  );
}
