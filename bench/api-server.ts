/** The harness's own view of the Kubernetes API: plain requests under a name of its own, all of them counted. */
import { readFileSync } from 'node:fs';
import { Agent, request, type Dispatcher } from 'undici';
import { parse } from 'yaml';

export const harnessAgent = 'bench-harness';

/** How many requests, by the API server's own word for the verb. */
export type Counts = Readonly<Record<string, number>>;

export interface LiveObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}
export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';
type Listener = (type: EventType, object: LiveObject) => void;

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

interface Question {
  readonly body?: object;
  readonly contentType?: string;
  readonly accept?: string;
  /** Codes that are answers, not errors. */
  readonly accepted?: readonly number[];
}

export class ApiServer {
  readonly #origin: string;
  readonly #token: string;
  readonly #calls: Agent;
  readonly #watches: Agent;
  readonly #own: Record<string, number> = {};
  readonly #closing = new AbortController();

  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { cluster } = clusters[0];
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString('utf8');
    this.#origin = cluster.server;
    this.#token = users[0].user.token;
    this.#calls = new Agent({ connect: { ca }, connections: 32, pipelining: 1, keepAliveTimeout: 60_000 });
    this.#watches = new Agent({ connect: { ca }, bodyTimeout: 0, headersTimeout: 0 });
  }

  /** The harness's own requests up to now, to be left out of what is reported. */
  get own(): Counts {
    return { ...this.#own };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#calls.destroy(), this.#watches.destroy()]);
  }

  async get(path: string): Promise<unknown> {
    return JSON.parse(await this.#ask('GET', 'GET', path));
  }

  async create(path: string, body: object): Promise<void> {
    await this.#ask('POST', 'POST', path, { body, accepted: [409] });
  }

  async mergePatch(path: string, body: object): Promise<void> {
    await this.#ask('PATCH', 'PATCH', path, { body, contentType: 'application/merge-patch+json' });
  }

  async apply(path: string, body: object): Promise<void> {
    const contentType = 'application/apply-patch+yaml';
    await this.#ask('APPLY', 'PATCH', `${path}?fieldManager=bench&force=true`, { body, contentType });
  }

  async list(path: string): Promise<{ readonly items: readonly LiveObject[]; readonly version: string }> {
    const answer = JSON.parse(await this.#ask('LIST', 'GET', path)) as {
      readonly items: readonly LiveObject[];
      readonly metadata: { readonly resourceVersion: string };
    };
    return { items: answer.items, version: answer.metadata.resourceVersion };
  }

  /** apiserver_request_total by verb and resource. Discovery, health checks and scrapes have no resource. */
  async requestCounts(): Promise<{ readonly byVerb: Counts; readonly byResource: Counts }> {
    const text = await this.#ask('SCRAPE', 'GET', '/metrics', { accept: 'text/plain' });
    const byVerb: Record<string, number> = {};
    const byResource: Record<string, number> = {};
    for (const line of text.split('\n')) {
      if (!line.startsWith('apiserver_request_total{')) continue;
      const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
      const count = Number(line.slice(line.lastIndexOf(' ') + 1));
      const subresource = label('subresource') === '' ? '' : `/${label('subresource')}`;
      const isResource = label('resource') !== '';
      const key = `${label('verb')} ${isResource ? label('resource') : '(no resource)'}${subresource}`;
      byResource[key] = (byResource[key] ?? 0) + count;
      if (isResource) byVerb[label('verb')] = (byVerb[label('verb')] ?? 0) + count;
    }
    return { byVerb, byResource };
  }

  /** Lists, then follows until `close`. Resolves after the list. */
  async follow(path: string, listener: Listener): Promise<void> {
    const { items, version } = await this.list(path);
    for (const object of items) listener('ADDED', object);
    void this.#watch(path, version, listener).catch((error: unknown) => {
      if (this.#closing.signal.aborted) return;
      throw error; // An observer that went blind measures nothing: it ends the run.
    });
  }

  async #watch(path: string, from: string, listener: Listener): Promise<void> {
    let version = from;
    while (!this.#closing.signal.aborted) {
      const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=3000&resourceVersion=${version}`;
      const url = `${this.#origin}${path}${path.includes('?') ? '&' : '?'}${query}`;
      const { statusCode, body } = await request(url, {
        dispatcher: this.#watches,
        headers: this.#headers(),
        signal: this.#closing.signal,
      });
      if (statusCode !== 200) throw new Error(`watch ${path}: ${statusCode} ${await body.text()}`);
      for await (const line of lines(body)) {
        const event = JSON.parse(line) as { type: EventType | 'BOOKMARK' | 'ERROR'; object: LiveObject };
        if (event.type === 'ERROR') throw new Error(`watch ${path}: ${line}`);
        version = event.object.metadata.resourceVersion;
        if (event.type !== 'BOOKMARK') listener(event.type, event.object);
      }
    }
  }

  async #ask(verb: string, method: string, path: string, question: Question = {}): Promise<string> {
    const { body, contentType = 'application/json', accept, accepted = [] } = question;
    this.#own[verb] = (this.#own[verb] ?? 0) + 1;
    const answer = await request(`${this.#origin}${path}`, {
      method: method as Dispatcher.HttpMethod,
      dispatcher: this.#calls,
      headers: { ...this.#headers(accept), ...(body === undefined ? {} : { 'content-type': contentType }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400 && !accepted.includes(answer.statusCode)) {
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`);
    }
    return text;
  }

  #headers(accept = 'application/json'): Record<string, string> {
    return { authorization: `Bearer ${this.#token}`, accept, 'user-agent': harnessAgent };
  }
}

async function* lines(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    yield* complete;
  }
}
