/** The Kubernetes API as a scenario's neutral observer: plain requests, so that nothing of Trueup judges Trueup. */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';

export interface LiveObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly { readonly name: string }[];
    readonly managedFields?: readonly ManagedFields[];
  };
  // What an object says of itself is looked into freely here, one assertion at a time.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [key: string]: any;
}
export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

export type PatchType = 'merge' | 'json' | 'strategic' | 'apply';
const contentTypes: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

interface ServedKind {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ClusterApi {
  /** The object, or undefined if it is not there. `kind` is written as `v1/ConfigMap`, `apps/v1/Deployment`. */
  get(kind: string, namespace: string, name: string): Promise<LiveObject | undefined>;
  list(kind: string, namespace: string): Promise<readonly LiveObject[]>;
  create(manifest: object, manager?: string): Promise<LiveObject>;
  patch(
    kind: string,
    namespace: string,
    name: string,
    patch: object,
    options?: {
      readonly type?: PatchType;
      readonly manager?: string;
      readonly force?: boolean;
      readonly subresource?: string;
    },
  ): Promise<LiveObject>;
  remove(kind: string, namespace: string, name: string): Promise<void>;
  close(): Promise<void>;
}

interface Kubeconfig {
  readonly 'current-context': string;
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

export async function openClusterApi(kubeconfigFile: string): Promise<ClusterApi> {
  const config = parse(await readFile(kubeconfigFile, 'utf8')) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster ?? {};
  const user = config.users.find(({ name }) => name === context?.user)?.user ?? {};
  const decoded = (text: string | undefined) =>
    text === undefined ? undefined : Buffer.from(text, 'base64').toString();
  const tls = {
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  };
  const agent = new Agent({
    connect: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)),
    connections: 4,
  });

  const send = async (method: string, path: string, body?: object, contentType = 'application/json') => {
    const answer = await request(`${cluster['server']}${path}`, {
      method: method as 'GET',
      dispatcher: agent,
      headers: {
        'user-agent': 'scenario',
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(user['token'] === undefined ? {} : { authorization: `Bearer ${user['token']}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400 && !(answer.statusCode === 404 && method !== 'PATCH' && method !== 'POST')) {
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 1000)}`);
    }
    return { status: answer.statusCode, value: JSON.parse(text) as unknown };
  };

  const served = new Map<string, readonly ServedKind[]>();
  const pathOf = async (kind: string, namespace: string): Promise<string> => {
    const parts = kind.split('/');
    const version = parts.slice(0, -1).join('/');
    const prefix = parts.length === 2 ? `/api/${version}` : `/apis/${version}`;
    const find = () =>
      served
        .get(version)
        ?.find((candidate) => candidate.kind === parts.at(-1) && !candidate.name.includes('/'));
    if (find() === undefined) {
      // A kind may have come with a definition that was applied meanwhile.
      const { value } = await send('GET', prefix);
      served.set(version, (value as { readonly resources?: readonly ServedKind[] }).resources ?? []);
    }
    const found = find();
    if (found === undefined) throw new Error(`the cluster does not serve ${kind}`);
    return `${prefix}${found.namespaced ? `/namespaces/${namespace}` : ''}/${found.name}`;
  };

  return {
    async get(kind, namespace, name) {
      const { status, value } = await send('GET', `${await pathOf(kind, namespace)}/${name}`);
      return status === 404 ? undefined : (value as LiveObject);
    },
    async list(kind, namespace) {
      const { value } = await send('GET', await pathOf(kind, namespace));
      return (value as { readonly items: readonly LiveObject[] }).items;
    },
    async create(manifest, manager = 'scenario') {
      const { apiVersion, kind, metadata } = manifest as LiveObject;
      const path = await pathOf(`${apiVersion}/${kind}`, metadata.namespace ?? '');
      return (await send('POST', `${path}?fieldManager=${manager}`, manifest)).value as LiveObject;
    },
    async patch(
      kind,
      namespace,
      name,
      patch,
      { type = 'merge', manager = 'scenario', force = false, subresource } = {},
    ) {
      const below = subresource === undefined ? '' : `/${subresource}`;
      const query = `fieldManager=${manager}${force ? '&force=true' : ''}`;
      const path = `${await pathOf(kind, namespace)}/${name}${below}?${query}`;
      return (await send('PATCH', path, patch, contentTypes[type])).value as LiveObject;
    },
    async remove(kind, namespace, name) {
      await send('DELETE', `${await pathOf(kind, namespace)}/${name}`);
    },
    close: () => agent.destroy(),
  };
}
