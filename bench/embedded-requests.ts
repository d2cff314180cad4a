/** The same requests to any API server, eight at a time, and how many of each it answers in a second. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { cpuOf } from './processes.ts';
import { forEach, now, round, spreadOf } from './time.ts';

const side = 8;
const namespace = 'bench-embedded';
const listed = 1_000;

export const caseNames = [
  'create ConfigMap',
  'apply ConfigMap, new',
  'apply ConfigMap, changed',
  'apply Deployment, new',
  'apply Deployment, changed',
  'get ConfigMap',
  `list ${listed} ConfigMaps`,
] as const;
export type CaseName = (typeof caseNames)[number];

export interface Measured {
  readonly requests: number;
  readonly perSecond: number;
  /** Of one request, while the others are under way. */
  readonly medianMs: number;
  /** Of the server, for each request: it holds on a busy machine too. */
  readonly cpuMs: number;
}
export type RequestFigures = Readonly<Record<CaseName, Measured>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: object;
}

export interface Measurable {
  readonly kubeconfig: string;
  readonly pid: number;
}

/** Case by case in turn, so that what else the machine does is about the same for all. */
export async function measureRequests(servers: readonly Measurable[]): Promise<readonly RequestFigures[]> {
  const sends = servers.map(({ kubeconfig }) => clientOf(kubeconfig));
  for (const send of sends) await prepare(send);
  const figures = servers.map((): Record<string, Measured> => ({}));
  for (const name of caseNames) {
    const [count, call] = cases[name];
    for (const [index, { pid }] of servers.entries())
      figures[index]![name] = await measured(count, pid, (at) => sends[index]!(call(at)));
  }
  return figures as readonly Record<string, Measured>[] as readonly RequestFigures[];
}

const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const apply = (path: string, name: string, body: object): Call => ({
  method: 'PATCH',
  path: `${path}/${name}?fieldManager=bench&force=true`,
  body,
});
// In this order: what is listed and read is what was created and applied.
const cases: Readonly<Record<CaseName, readonly [count: number, call: (index: number) => Call]>> = {
  'create ConfigMap': [
    listed / 2,
    (index) => ({ method: 'POST', path: configMaps, body: configMap(`created-${index}`, 'first') }),
  ],
  'apply ConfigMap, new': [
    listed / 2,
    (index) => apply(configMaps, `applied-${index}`, configMap(`applied-${index}`, 'first')),
  ],
  'apply ConfigMap, changed': [
    listed / 2,
    (index) => apply(configMaps, `applied-${index}`, configMap(`applied-${index}`, 'second')),
  ],
  'apply Deployment, new': [
    250,
    (index) => apply(deployments, `web-${index}`, deployment(`web-${index}`, 'web:1')),
  ],
  'apply Deployment, changed': [
    250,
    (index) => apply(deployments, `web-${index}`, deployment(`web-${index}`, 'web:2')),
  ],
  'get ConfigMap': [
    1_000,
    (index) => ({ method: 'GET', path: `${configMaps}/applied-${index % (listed / 2)}` }),
  ],
  [`list ${listed} ConfigMaps`]: [50, () => ({ method: 'GET', path: configMaps })],
};

const elsewhere = (path: string): string => path.replace(namespace, 'default');

/** So that nothing is measured while it warms up. */
async function prepare(send: (call: Call) => Promise<void>): Promise<void> {
  await send({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  await forEach(indexes(100), side, async (index) => {
    const warm = `warm-${index}`;
    await send(apply(elsewhere(configMaps), warm, configMap(warm, 'first')));
    await send(apply(elsewhere(deployments), warm, deployment(warm, 'web:1')));
    await send({ method: 'GET', path: `${elsewhere(configMaps)}/${warm}` });
  });
}

const indexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

async function measured(
  count: number,
  pid: number,
  act: (index: number) => Promise<void>,
): Promise<Measured> {
  const seconds: number[] = [];
  const cpuBeforeS = cpuOf(pid).selfS;
  const began = now();
  await forEach(indexes(count), side, async (index) => {
    const before = now();
    await act(index);
    seconds.push(now() - before);
  });
  return {
    requests: count,
    perSecond: round(count / (now() - began), 1),
    medianMs: round(spreadOf(seconds).median * 1000, 1),
    cpuMs: round(((cpuOf(pid).selfS - cpuBeforeS) * 1000) / count, 1),
  };
}

function clientOf(kubeconfig: string): (call: Call) => Promise<void> {
  // oxlint-disable-next-line typescript/no-explicit-any
  const config = parse(readFileSync(kubeconfig, 'utf8')) as any;
  const { server, 'certificate-authority-data': authority } = config.clusters[0].cluster;
  const { token } = config.users[0].user;
  const dispatcher = new Agent({
    connections: side,
    allowH2: false,
    connect: { ca: Buffer.from(authority, 'base64').toString() },
  });
  return async ({ method, path, body }) => {
    const answer = await request(`${server}${path}`, {
      method,
      dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'user-agent': 'bench',
        ...(body === undefined
          ? {}
          : { 'content-type': method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
  };
}

function configMap(name: string, value: string): object {
  const data = Object.fromEntries(indexes(10).map((index) => [`key-${index}`, `${value} ${'x'.repeat(50)}`]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: name } }, data };
}

function deployment(name: string, image: string): object {
  const labels = { app: name };
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } };
  const env = indexes(5).map((index) => ({ name: `KEY_${index}`, value: 'x' }));
  const containers = [{ name: 'web', image, env, resources, ports: [{ containerPort: 8080 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
