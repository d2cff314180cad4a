/**
 * How much of what lives in a cluster Git explains: what stands as it was rendered, and what is owned by such. What
 * every cluster makes by itself is left out, by the rules below; docs/guide/report.md lists them.
 */
import { isObject } from '#model/json.ts';
import type { GroupKind, Metadata } from '#model/object.ts';

export interface LiveObject extends GroupKind {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly owners: readonly string[];
  /** Who wrote it first, as managed fields tell. */
  readonly manager: string;
}

/** differs: Git has it, or has what owns it, and it stands otherwise. unknown: Git knows nothing of it. */
export type Unexplained = 'differs' | 'unknown';

export interface UnexplainedGroup extends GroupKind {
  readonly why: Unexplained;
  readonly namespace: string;
  readonly manager: string;
  readonly count: number;
  readonly examples: readonly string[];
}
export interface LiveShare {
  readonly namespaces: number;
  readonly objects: number;
  readonly explained: number;
  readonly leftOut: number;
  /** The largest ones. */
  readonly groups: readonly UnexplainedGroup[];
  readonly otherGroups: { readonly groups: number; readonly objects: number };
  /** Kinds that could not be read: nothing of them is counted. */
  readonly unread: readonly { readonly kind: string; readonly why: string }[];
  /** There are more objects than are looked at. */
  readonly isCut: boolean;
}

const groupsShown = 10;
const examplesShown = 3;
const eventKinds = new Set(['/Event', 'events.k8s.io/Event']);
/** Made from what they mirror, or of leases that pass. */
const derivedKinds = new Set([
  '/Endpoints',
  'discovery.k8s.io/EndpointSlice',
  'coordination.k8s.io/Lease',
  'networking.k8s.io/IPAddress',
  '/Node',
  'storage.k8s.io/CSINode',
  'storage.k8s.io/VolumeAttachment',
  'certificates.k8s.io/CertificateSigningRequest',
  'trueup.dev/UnitState',
]);

/** Whether a kind is counted at all, before anything of it is listed. */
export function isCounted({ group, kind }: GroupKind): boolean {
  return !eventKinds.has(`${group}/${kind}`) && !derivedKinds.has(`${group}/${kind}`);
}

const ownNamespaces = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);
const bootstrapping = 'kubernetes.io/bootstrapping';
const autoManaged = 'kube-aggregator.kubernetes.io/automanaged';
const autoUpdated = 'apf.kubernetes.io/autoupdate-spec';
const provisioned = 'pv.kubernetes.io/provisioned-by';
const tokenOf = 'kubernetes.io/service-account.name';

/** What a cluster makes by itself, in every namespace or at its start. */
export function isOfCluster({ group, kind }: GroupKind, metadata: Metadata): boolean {
  const { name, namespace = '', labels = {}, annotations = {} } = metadata;
  switch (`${group}/${kind}`) {
    case '/ServiceAccount':
      return name === 'default';
    case '/ConfigMap':
      return name === 'kube-root-ca.crt';
    case '/Secret':
      return annotations[tokenOf] !== undefined;
    case '/Service':
      return namespace === 'default' && name === 'kubernetes';
    case '/Namespace':
      return ownNamespaces.has(name);
    case '/PersistentVolume':
      return annotations[provisioned] !== undefined;
    case 'networking.k8s.io/ServiceCIDR':
      return name === 'kubernetes';
    case 'scheduling.k8s.io/PriorityClass':
      return name.startsWith('system-');
    case 'apiregistration.k8s.io/APIService':
      return labels[autoManaged] !== undefined;
    case 'flowcontrol.apiserver.k8s.io/FlowSchema':
    case 'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration':
      return annotations[autoUpdated] !== undefined;
    default:
      return labels[bootstrapping] !== undefined;
  }
}

export function liveObject({ group, kind }: GroupKind, metadata: Metadata): LiveObject {
  const owners = metadata['ownerReferences'];
  return {
    group,
    kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: String(metadata['uid'] ?? ''),
    owners: Array.isArray(owners) ? owners.filter(isObject).map(({ uid }) => String(uid)) : [],
    manager: firstManager(metadata['managedFields']),
  };
}

function firstManager(entries: unknown): string {
  if (!Array.isArray(entries)) return '';
  const [first] = entries
    .filter(isObject)
    .toSorted((a, b) => (String(a['time']) < String(b['time']) ? -1 : 1));
  return String(first?.['manager'] ?? '');
}

/** `inGit`: the UIDs of what inventories have, and whether each stands as it was rendered. */
export function explain(
  objects: readonly LiveObject[],
  inGit: ReadonlyMap<string, boolean>,
): Pick<LiveShare, 'objects' | 'explained' | 'groups' | 'otherGroups'> {
  const verdicts = verdictsOf(objects, inGit);
  const groups = new Map<string, { of: LiveObject; why: Unexplained; names: string[]; count: number }>();
  let explained = 0;
  for (const object of objects) {
    const why = verdicts.get(object.uid)!;
    if (why === 'explained') {
      explained += 1;
      continue;
    }
    const key = [why, object.group, object.kind, object.namespace, object.manager].join('/');
    const group = groups.get(key) ?? { of: object, why, names: [], count: 0 };
    group.count += 1;
    if (group.names.length < examplesShown) group.names.push(object.name);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].toSorted((a, b) => b.count - a.count);
  const rest = sorted.slice(groupsShown);
  return {
    objects: objects.length,
    explained,
    groups: sorted.slice(0, groupsShown).map(({ of, why, names, count }) => {
      const { group, kind, namespace, manager } = of;
      return { group, kind, namespace, manager, why, count, examples: names };
    }),
    otherGroups: { groups: rest.length, objects: rest.reduce((sum, { count }) => sum + count, 0) },
  };
}

/** Up the owners to a root that Git has; one owner that is explained is enough. */
function verdictsOf(
  objects: readonly LiveObject[],
  inGit: ReadonlyMap<string, boolean>,
): ReadonlyMap<string, Unexplained | 'explained'> {
  const byUid = new Map(objects.map((object) => [object.uid, object]));
  const verdicts = new Map<string, Unexplained | 'explained'>();
  const verdictOf = (uid: string): Unexplained | 'explained' => {
    const known = verdicts.get(uid);
    if (known !== undefined) return known;
    // Until it is known better: owners may go in a circle.
    verdicts.set(uid, 'unknown');
    const stands = inGit.get(uid);
    const above = stands === undefined ? (byUid.get(uid)?.owners ?? []).map(verdictOf) : [];
    const isExplained = stands === true || above.includes('explained');
    const isOther = stands === false || above.includes('differs');
    const verdict = isExplained ? 'explained' : isOther ? 'differs' : 'unknown';
    verdicts.set(uid, verdict);
    return verdict;
  };
  for (const { uid } of objects) verdictOf(uid);
  return verdicts;
}
