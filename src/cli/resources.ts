/** Resources that declare Units, and sources of theirs, whatever their kind: how they are named and how they stand. */
import type { Dialect } from '#model/dialect.ts';
import { isObject } from '#model/json.ts';
import { labelSelector } from '#model/label-selector.ts';
import type { GroupVersionKind, Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { standingOf, textAt } from './applications.ts';
import { CommandEnd, endOf, orEnd, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export interface ResourceOptions extends ClusterOptions {
  /** Whether somebody named the namespace, or it is the default of the control plane. */
  readonly isNamespaceGiven?: boolean;
}

export interface ListedKind {
  readonly kind: GroupVersionKind;
  readonly plural: string;
  readonly role: 'unit' | 'source';
}

const fluxGroup = 'toolkit.fluxcd.io';
/** Where `flux` looks when nobody says otherwise. */
const fluxNamespace = 'flux-system';
export const defaultControlNamespace = 'argocd';

export const isFlux = ({ group }: { readonly group: string }): boolean => group.endsWith(fluxGroup);

/** What people type for a kind besides its name and its plural. */
const shortNames: Readonly<Record<string, string>> = {
  app: 'Application',
  apps: 'Application',
  ks: 'Kustomization',
  hr: 'HelmRelease',
  git: 'GitRepository',
  oci: 'OCIRepository',
  helm: 'HelmRepository',
  chart: 'HelmChart',
  bucket: 'Bucket',
};

export function listedKinds(dialects: readonly Dialect[]): readonly ListedKind[] {
  const units = dialects.map(({ kind, plural }): ListedKind => ({ kind, plural, role: 'unit' }));
  const sources = dialects.flatMap((dialect) =>
    dialect.sources.map(({ kind, plural }): ListedKind => ({ kind, plural, role: 'source' })),
  );
  return [...units, ...sources];
}

/** The kinds that a word means: `all`, `sources`, a kind, its plural or short name; empty where it means none. */
export function kindsNamed(word: string, kinds: readonly ListedKind[]): readonly ListedKind[] {
  const wanted = word.toLowerCase();
  if (wanted === 'all') return kinds;
  if (wanted === 'source' || wanted === 'sources') return kinds.filter(({ role }) => role === 'source');
  const full = (shortNames[wanted] ?? wanted).toLowerCase();
  return kinds.filter(({ kind, plural }) => kind.kind.toLowerCase() === full || plural === full);
}

export function unknownKind(word: string, kinds: readonly ListedKind[]): CommandEnd {
  const known = kinds.map(({ plural }) => plural).join(', ');
  return new CommandEnd(exitCodes.usage, `"${word}" is no kind that is known here; there are: ${known}`);
}

/** Flux's kinds stand where flux keeps them, unless somebody says otherwise. */
export function namespaceFor({ group }: GroupVersionKind, options: ResourceOptions): string {
  return isFlux({ group }) && options.isNamespaceGiven !== true ? fluxNamespace : options.namespace;
}

/**
 * `NAME` or `NAMESPACE/NAME` of an Application; of any kind `KIND NAME`, `KIND/NAME`, or as flux has it
 * `source git NAME`.
 */
export function refOfWords(
  words: readonly string[],
  kinds: readonly ListedKind[],
  options: ResourceOptions,
): ObjectRef {
  const isKind = (word: string): boolean => kindsNamed(word, kinds).length > 0;
  const [only = '', ...further] = words;
  const [first = '', ...rest] = only.split('/');
  const all = further.length === 0 && rest.length > 0 && isKind(first) ? [first, rest.join('/')] : words;
  const [name = '', ...before] = all.toReversed();
  const word =
    before.find((part) => !/^sources?$/i.test(part)) ?? (before.length > 0 ? '' : kinds[0]!.plural);
  const [found] = word === '' || word === 'all' ? [] : kindsNamed(word, kinds);
  if (found === undefined) throw unknownKind(word || words.join(' '), kinds);
  const [last = '', namespace = namespaceFor(found.kind, options)] = name.split('/').toReversed();
  return { ...found.kind, namespace, name: last };
}

export async function readResource(cluster: Cluster, ref: ObjectRef): Promise<Manifest> {
  const found = orEnd(await cluster.read(ref));
  if (found !== undefined) return found;
  const names = await cluster.list(ref, ref.namespace);
  const known = names.ok ? names.value.map(({ metadata }) => metadata.name).slice(0, 10) : [];
  const hint = known.length === 0 ? 'there are none' : `there are: ${known.join(', ')}`;
  throw new CommandEnd(
    exitCodes.failed,
    `no ${ref.kind} "${ref.name}" in namespace ${ref.namespace}; ${hint}`,
  );
}

/** Of a kind that the cluster does not serve there are none. */
export async function listResources(
  cluster: Cluster,
  kind: GroupVersionKind,
  namespace: string | undefined,
): Promise<readonly Manifest[]> {
  const listed = await cluster.list(kind, namespace);
  if (listed.ok) return listed.value;
  if (['KindNotServed', 'NotFound', 'UnknownKind'].includes(listed.failure.code)) return [];
  throw endOf(listed.failure);
}

export interface ResourceStanding {
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly revision: string;
  readonly isSuspended: boolean;
  readonly message: string;
}

/** Argo CD's annotation: no controller acts by itself on an Application that carries it. */
export const skipAnnotation = 'argocd.argoproj.io/skip-reconcile';

/** Read from what the kind's own users read: a `Ready` condition, else the sync and health of an Application. */
export function resourceStanding(resource: Manifest): ResourceStanding {
  const { status } = resource;
  const conditions = isObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  const isSuspended =
    (isObject(resource['spec']) && resource['spec']['suspend'] === true) ||
    resource.metadata.annotations?.[skipAnnotation] === 'true';
  const ready = conditions.find((condition) => textAt(condition, 'type') === 'Ready');
  if (ready !== undefined) {
    const value = textAt(ready, 'status');
    return {
      ready: value === 'True' || value === 'False' ? value : 'Unknown',
      revision: textAt(status, 'lastAppliedRevision') || textAt(status, 'artifact', 'revision'),
      isSuspended,
      message: textAt(ready, 'message'),
    };
  }
  const { sync, health, revision } = standingOf(resource);
  const isKnown = sync !== 'Unknown' || health !== 'Unknown';
  const [cause] = conditions.filter((condition) => textAt(condition, 'type') !== 'Warning');
  const why = textAt(cause, 'message') || textAt(status, 'health', 'message');
  return {
    ready: sync === 'Synced' && health === 'Healthy' ? 'True' : isKnown ? 'False' : 'Unknown',
    revision: revision.slice(0, 8),
    isSuspended,
    message: `${isKnown ? `${sync}, ${health}` : ''}${isKnown && why !== '' ? ': ' : ''}${why}`,
  };
}

/** `-l`, as kubectl has it. What cannot be read is refused: whatever it were taken for would be a wrong answer. */
export function selectorOf(text: string | undefined): (resource: Manifest) => boolean {
  const selector = labelSelector(text ?? '');
  if (selector.ok) return ({ metadata }) => selector.value(metadata.labels ?? {});
  const { message, hint } = selector.failure;
  throw new CommandEnd(exitCodes.usage, `${message}; ${hint}`);
}

export interface Opened {
  readonly cluster: Cluster;
  readonly dialects: readonly Dialect[];
  readonly kinds: readonly ListedKind[];
  readonly ref: ObjectRef;
  readonly plural: string;
  readonly resource: Manifest;
  /** Where Trueup keeps what belongs to no resource: `-n` names it unless it names the resource's own namespace. */
  readonly controlNamespace: string;
}

/** The cluster, and the resource that a command was given by name. */
export async function openResource(
  words: readonly string[],
  options: ResourceOptions,
  ports: CommandPorts,
): Promise<Opened> {
  const dialects = ports.dialects(options.namespace);
  const kinds = listedKinds(dialects);
  const ref = refOfWords(words, kinds, options);
  const cluster = orEnd(await ports.cluster(options));
  const resource = await readResource(cluster, ref);
  const unnamed = { namespace: '', isNamespaceGiven: true };
  const isItsOwn =
    options.isNamespaceGiven === true && isFlux(ref) && refOfWords(words, kinds, unnamed).namespace === '';
  const controlNamespace = isItsOwn ? defaultControlNamespace : options.namespace;
  const plural = kinds.find(({ kind }) => kind.group === ref.group && kind.kind === ref.kind)!.plural;
  return { cluster, dialects, kinds, ref, plural, resource, controlNamespace };
}

/** The words by which `app VERB NAME` means its Application, whatever its name looks like. */
export const applicationWords = (name: string): readonly string[] => ['application', name];

/** As people type it after a verb: an Application needs no kind. */
export function wordsOf({ ref, controlNamespace }: Pick<Opened, 'ref' | 'controlNamespace'>): string {
  const { kind, namespace, name } = ref;
  if (isFlux(ref)) return `${kind.toLowerCase()}/${namespace}/${name}`;
  return namespace === controlNamespace ? name : `${namespace}/${name}`;
}
