/**
 * The embedded cluster's API server against the real one: the same random requests to both, and every answer, every
 * object with its field managers, every error and the order of every watch's events compared.
 *
 * TRUEUP_DIFFERENTIAL_SEEDS is how many seeds are run (CI: 25), TRUEUP_DIFFERENTIAL_SEED the first of them. A failure
 * names its seed and step; running that seed alone repeats it.
 */
import { readFile } from 'node:fs/promises';
import { canonicalJson } from '#model/json.ts';
import { Agent, request as send } from 'undici';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { waitFor } from '../scenarios/wait-for.ts';
import { NormalForm } from './normal-form.ts';
import {
  collectionsOf,
  namespaceOf,
  widgetDefinition,
  workload,
  type Live,
  type Request,
} from './workload.ts';

const seeds = Number(process.env['TRUEUP_DIFFERENTIAL_SEEDS'] ?? 25);
const firstSeed = Number(process.env['TRUEUP_DIFFERENTIAL_SEED'] ?? 1);
const stepsEach = 60;

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}
interface Server {
  ask(request: Request): Promise<Answer>;
  /** Of a GET. */
  text(path: string): Promise<string>;
  close(): Promise<void>;
}

async function serverOf(kubeconfig: string): Promise<Server> {
  // oxlint-disable-next-line typescript/no-explicit-any
  const config = parse(await readFile(kubeconfig, 'utf8')) as any;
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const { token } = config.users[0].user;
  const agent = new Agent({ connect: { ca: Buffer.from(ca, 'base64').toString() } });
  return {
    ask: async ({ method, path, body, contentType = 'application/json' }) => {
      const answer = await send(`${server}${path}`, {
        method,
        dispatcher: agent,
        headers: {
          authorization: `Bearer ${token}`,
          'user-agent': 'conformance',
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': contentType }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const warning = answer.headers['warning'];
      return {
        code: answer.statusCode,
        body: JSON.parse(await answer.body.text()) as unknown,
        warnings: warning === undefined ? [] : [warning].flat(),
      };
    },
    text: async (path) => {
      const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
      return (await send(`${server}${path}`, { dispatcher: agent, headers })).body.text();
    },
    close: () => agent.destroy(),
  };
}

let real: ControlPlane;
let embedded: EmbeddedCluster;
let servers: readonly [Server, Server];

beforeAll(async () => {
  // Nothing but the API server: what controllers do is no answer to a request.
  real = await startControlPlane({ flags: ['-no-controllers', '-no-scheduler', '-no-kwok'] });
  embedded = await startEmbeddedCluster({ controllers: false });
  servers = [await serverOf(real.kubeconfig), await serverOf(embedded.kubeconfig)];
  for (const server of servers) {
    await server.ask({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: widgetDefinition,
    });
    const widgets = '/apis/conformance.trueup.dev/v1/widgets';
    await waitFor('the kind to be served', async () => {
      const { code } = await server.ask({ method: 'GET', path: widgets });
      return code === 200;
    });
  }
}, 600_000);

afterAll(async () => {
  for (const server of servers ?? []) await server.close();
  await embedded?.stop();
  await real?.stop();
});

interface Difference {
  readonly where: string;
  readonly real: unknown;
  readonly embedded: unknown;
}

describe('the embedded API server answers as the real one', () => {
  it(
    `in ${seeds} random sequences of ${stepsEach} requests`,
    async () => {
      let agreed = 0;
      const differences: Difference[] = [];
      for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
        const outcome = await runSeed(seed);
        agreed += outcome.agreed;
        if (outcome.difference !== undefined) differences.push(outcome.difference);
      }
      console.log(`differential: ${agreed} of ${seeds * stepsEach} steps agreed`);
      for (const { where, real: was, embedded: is } of differences.slice(0, 10))
        expect.soft(is, where).toEqual(was);
      expect(differences.map(({ where }) => where)).toEqual([]);
    },
    600_000 + seeds * 20_000,
  );
});

/** A sequence ends where the two differ first: from there on they have different objects. */
async function runSeed(seed: number): Promise<{ readonly agreed: number; readonly difference?: Difference }> {
  const forms = [new NormalForm(), new NormalForm()] as const;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(seed) } };
  for (const server of servers) await server.ask({ method: 'POST', path: '/api/v1/namespaces', body });
  const began = await Promise.all(servers.map((server) => versionNow(server, seed)));
  let agreed = 0;
  for (const step of workload(seed, stepsEach)) {
    const seen: unknown[] = [];
    for (const [index, server] of servers.entries()) {
      const live = await liveOf(server, step.request(undefined).path);
      const answer = await server.ask(step.request(live));
      const before = live?.metadata.resourceVersion;
      const now = versionOf(answer.body);
      // Whether anything was stored at all: no write is an answer too.
      const stored = before === undefined || now === undefined ? 'unknown' : before === now ? 'no' : 'yes';
      seen.push(forms[index]!.value({ ...answer, stored }));
    }
    const [was, is] = seen;
    if (canonicalJson(was) !== canonicalJson(is)) {
      const request = JSON.stringify(step.request(undefined));
      const where = `seed ${seed}, step ${agreed + 1}: ${step.what}, ${step.about}: ${request}`;
      return { agreed, difference: { where, real: was, embedded: is } };
    }
    agreed += 1;
  }
  const [was, is] = await Promise.all(
    servers.map(async (server, index) => forms[index]!.value(await eventsSince(server, seed, began[index]!))),
  );
  if (canonicalJson(was) === canonicalJson(is)) return { agreed };
  return { agreed, difference: { where: `seed ${seed}: the events of watches`, real: was, embedded: is } };
}

async function versionNow(server: Server, seed: number): Promise<string> {
  const [path = ''] = collectionsOf(seed);
  return versionOf((await server.ask({ method: 'GET', path })).body)!;
}

/** What a watch of each kind shows of a whole sequence, in order. */
async function eventsSince(server: Server, seed: number, version: string): Promise<readonly unknown[]> {
  return Promise.all(
    collectionsOf(seed).map(async (path) => {
      const text = await server.text(`${path}?watch=1&resourceVersion=${version}&timeoutSeconds=1`);
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as unknown);
    }),
  );
}

async function liveOf(server: Server, path: string): Promise<Live | undefined> {
  const [base = ''] = path.split('?');
  const object = base.replace(/\/(status|scale)$/, '');
  if (object.split('/').length < (object.startsWith('/apis') ? 8 : 7)) return undefined;
  const { code, body } = await server.ask({ method: 'GET', path: object });
  return code === 200 ? (body as Live) : undefined;
}

function versionOf(body: unknown): string | undefined {
  const version = (body as { readonly metadata?: { readonly resourceVersion?: unknown } }).metadata
    ?.resourceVersion;
  return typeof version === 'string' ? version : undefined;
}
