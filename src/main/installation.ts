/** What an installation keeps in its control-plane namespace, checked before anything is reconciled. */
import type { ApiSecrets } from '#host/api-access.ts';
import { systemRandom } from '#host/random.ts';
import { apiTokensIn, apiTokensRef } from '#model/api-token.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Manifest, ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { secretText } from '#model/secret.ts';
import { parseDuration } from '#model/time.ts';
import { applicationKind } from '#dialects/argo/application.ts';
import { defaultInstanceLabel } from '#dialects/argo/settings.ts';
import { unitStateKind } from '#pipeline/record/unit-state-codec.ts';

const keyName = 'trueup-digest-key';
const keyBytes = 32;

function secretRef(namespace: string, name: string): ObjectRef {
  return { group: '', version: 'v1', kind: 'Secret', namespace, name };
}

/** One value of a ConfigMap or Secret, as it stands. */
function entryOf(object: Manifest | undefined, key: string): string | undefined {
  const data = object?.['data'];
  const value = isObject(data) ? data[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The kinds without which nothing can be reconciled are served; says which are not. */
export async function checkKinds(
  cluster: Cluster,
  kubeconfig: string | undefined,
): Promise<Result<undefined>> {
  const resources = await cluster.resources();
  if (!resources.ok) return resources;
  const missing = [applicationKind, unitStateKind].filter(
    ({ group, kind }) => !resources.value.some((served) => served.group === group && served.kind === kind),
  );
  if (missing.length === 0) return ok(undefined);
  const flag = kubeconfig === undefined ? '' : ` --kubeconfig ${kubeconfig}`;
  return fail({
    kind: 'terminal',
    code: 'CrdsMissing',
    stage: 'observe',
    message: `the cluster lacks the kinds ${missing.map(({ group, kind }) => `${kind} (${group})`).join(' and ')}`,
    hint: `install them: bin/trueup install --crds${flag}`,
  });
}

export async function checkNamespace(cluster: Cluster, namespace: string): Promise<Result<undefined>> {
  const found = await cluster.read({
    group: '',
    version: 'v1',
    kind: 'Namespace',
    namespace: '',
    name: namespace,
  });
  if (!found.ok) return found.failure.kind === 'denied' ? ok(undefined) : found;
  if (found.value !== undefined) return ok(undefined);
  const failure: Failure = {
    kind: 'terminal',
    code: 'NamespaceMissing',
    stage: 'observe',
    message: `the control-plane namespace ${namespace} does not exist`,
    hint: `create it: kubectl create namespace ${namespace}; or name another with --namespace`,
  };
  return fail(failure);
}

/**
 * The key under which Secrets' values are digested, so that drift of a Secret is seen without its values being kept.
 * It is in the cluster, or a restart elsewhere would take every Secret for drifted.
 */
export async function digestKey(
  cluster: Cluster,
  namespace: string,
  create: boolean,
): Promise<Result<Uint8Array>> {
  const ref = secretRef(namespace, keyName);
  const found = await cluster.read(ref);
  if (!found.ok) return found;
  const text = entryOf(found.value, 'key');
  if (text !== undefined) return ok(Buffer.from(text, 'base64'));
  const key = systemRandom.bytes(keyBytes);
  if (!create) return ok(key);
  const created = await cluster.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: keyName, labels: { 'app.kubernetes.io/managed-by': 'trueup' } },
    type: 'Opaque',
    data: { key: Buffer.from(key).toString('base64') },
  });
  if (created.ok && created.value.result === 'done') return ok(key);
  // Another replica was faster: use its key.
  const again = await cluster.read(ref);
  const theirs = again.ok ? entryOf(again.value, 'key') : undefined;
  if (theirs !== undefined) return ok(Buffer.from(theirs, 'base64'));
  return created.ok ? digestKey(cluster, namespace, false) : created;
}

export interface StartSettings {
  /** The label that tracking uses. */
  readonly instanceLabel: string;
  /** How often repositories are asked, where it is said. */
  readonly pollMs?: number;
}

/** Asking for no polls at all, which is `0`, is asking every eleven days: timers end soon after. */
const neverMs = 1_000_000_000;

/** What `argocd-cm` says that is read once, at the start. */
export async function startSettings(cluster: Cluster, namespace: string): Promise<Result<StartSettings>> {
  const found = await cluster.read({
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    namespace,
    name: 'argocd-cm',
  });
  if (!found.ok) return found;
  const interval = entryOf(found.value, 'timeout.reconciliation');
  const pollMs = interval === undefined ? undefined : parseDuration(interval.trim());
  return ok({
    instanceLabel: entryOf(found.value, 'application.instanceLabelKey') || defaultInstanceLabel,
    ...(pollMs === undefined ? {} : { pollMs: pollMs === 0 ? neverMs : pollMs }),
  });
}

/** The secret that senders of webhooks sign with: `webhook.github.secret` in `argocd-secret`. */
export async function webhookSecret(
  cluster: Cluster,
  namespace: string,
): Promise<Result<string | undefined>> {
  const found = await cluster.read(secretRef(namespace, 'argocd-secret'));
  if (!found.ok) return found;
  return ok(secretText(found.value, 'webhook.github.secret')?.trim());
}

/** Who may call the API: Argo CD's own account of the administrator, a Secret with a further token, and those that expire. */
export async function apiSecrets(cluster: Cluster, namespace: string): Promise<Result<ApiSecrets>> {
  const settings: ObjectRef = { group: '', version: 'v1', kind: 'ConfigMap', namespace, name: 'argocd-cm' };
  const [argo, own, expiring, config] = await Promise.all([
    cluster.read(secretRef(namespace, 'argocd-secret')),
    cluster.read(secretRef(namespace, 'trueup-api-token')),
    cluster.read(apiTokensRef(namespace)),
    cluster.read(settings),
  ]);
  for (const found of [argo, own, expiring, config]) if (!found.ok) return found;
  const text = (found: typeof argo, key: string): string | undefined =>
    (found.ok && secretText(found.value, key)?.trim()) || undefined;
  const passwordHash = text(argo, 'admin.password');
  const signingSecret = text(argo, 'server.secretkey');
  const token = text(own, 'token');
  return ok({
    ...(passwordHash === undefined ? {} : { passwordHash }),
    ...(signingSecret === undefined ? {} : { signingSecret }),
    ...(token === undefined ? {} : { token }),
    expiring: expiring.ok ? apiTokensIn(expiring.value) : [],
    isLoginOff: config.ok && entryOf(config.value, 'admin.enabled') === 'false',
  });
}
