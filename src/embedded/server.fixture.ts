/** The whole embedded cluster without its controllers, asked as clients ask it; clock and randomness are the test's. */
import { ManualTime, silent } from '#kube/manual-time.fixture.ts';
import { jsonText, parseJson } from '#model/json.ts';
import type { ObjectKeeper } from '#model/ports.ts';
import type { User } from './authorization.ts';
import { seeded } from './controllers/cluster.fixture.ts';
import { openEmbedded, type Embedded } from './embedded.ts';
import { loadMachinery, openMachinery } from './machinery.ts';
import { forgetful } from './store.ts';
import { administrator } from './users.ts';

let loaded: Promise<WebAssembly.Module> | undefined;

export const adminToken = 'the-administrator';
export const userToken = 'somebody';
const user: User = { name: 'somebody', groups: ['system:authenticated'] };

// oxlint-disable-next-line typescript/no-explicit-any
type Body = any;
export interface Heard {
  readonly code: number;
  readonly body: Body;
  readonly text: string;
  readonly headers: Headers;
}
export interface Asking {
  readonly token?: string;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class TestServer {
  readonly embedded: Embedded;
  readonly time: ManualTime;
  /** What was logged as a bug. */
  readonly complaints: string[] = [];

  constructor(module: WebAssembly.Module, keeper: ObjectKeeper) {
    this.time = new ManualTime();
    const complain = (fields: object, message: string): void => {
      this.complaints.push(`${message} ${jsonText(fields)}`);
    };
    const random = seeded();
    this.embedded = openEmbedded({
      machinery: openMachinery(module, this.time, random),
      keeper,
      controllers: false,
      clock: this.time,
      timers: this.time,
      random,
      log: { ...silent, error: complain },
      users: new Map([
        [adminToken, administrator],
        [userToken, user],
      ]),
    });
  }

  respond(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<Response> {
    const { token = adminToken, type = 'application/json', accept = 'application/json', headers } = asking;
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : jsonText(body);
    return this.embedded.handle(
      new Request(`https://127.0.0.1${path}`, {
        method,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          'user-agent': 'test/1.0',
          accept,
          ...(body === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: text as string }),
      }),
    );
  }

  async ask(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<Heard> {
    const answer = await this.respond(method, path, body, asking);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
    return { code: answer.status, body: isJson ? parseJson(text) : text, text, headers: answer.headers };
  }

  get(path: string, asking: Asking = {}): Promise<Heard> {
    return this.ask('GET', path, undefined, asking);
  }

  merge(path: string, patch: unknown): Promise<Heard> {
    return this.ask('PATCH', path, patch, { type: 'application/merge-patch+json' });
  }

  apply(path: string, manifest: unknown, query = 'fieldManager=test'): Promise<Heard> {
    return this.ask('PATCH', `${path}?${query}`, manifest, { type: 'application/apply-patch+yaml' });
  }
}

/** Loading the module takes a second, opening it another half: one for the tests of a file where that can be. */
export async function openServer(keeper: ObjectKeeper = forgetful): Promise<TestServer> {
  loaded ??= loadMachinery();
  return new TestServer(await loaded, keeper);
}

export const namesIn = ({ body }: Heard): readonly string[] =>
  (body.items as readonly { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);

export function configMap(name: string, more: object = {}, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, ...more };
}

/** `widgets.example.dev`, in two versions of which v1 is stored. */
export function widgetDefinition(more: object = {}): object {
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          color: { type: 'string' },
          size: { type: 'integer', format: 'int64' },
          most: { type: 'integer', format: 'int64', default: 9_007_199_254_740_993n },
        },
      },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.dev' },
    spec: {
      group: 'example.dev',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.size' }],
          schema: { openAPIV3Schema: schema },
        },
        {
          name: 'v2',
          served: true,
          storage: false,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
      ...more,
    },
  };
}

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
