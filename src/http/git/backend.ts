/** One request to git's http-backend and its answer, streamed both ways. */
import type { Context } from 'hono';
import { streamGit, toleratedFlaws } from '#git/command.ts';
import type { HostedRepositories } from '#git/hosted.ts';
import { failureLine } from '#model/failure.ts';
import type { Log } from '#model/ports.ts';
import { readAnswer } from './cgi.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

export interface BackendParts {
  readonly repositories: HostedRepositories;
  /** Somebody pushed to it. A hint, as a webhook is one (F24): the push may have been rejected. */
  readonly onPush: (name: string) => void;
  readonly log: Log;
  /** How large the pack of a push may be; 512 MiB if not given. */
  readonly pushBytesMax?: number;
}

export interface Exchange {
  readonly context: Context;
  readonly service: Service;
  /** It only asks for the refs: the first of two requests. */
  readonly isListing: boolean;
  readonly name: string;
  /** The directory NAME.git, or the one that stands in for it until it is made; relative. */
  readonly directory: string;
  /** Called once, as soon as the head of the answer is there. */
  readonly answer: (response: Response) => void;
}

const pushBytesMaxDefault = 512 * 1024 * 1024;
/** What a request has besides a pack: the names of refs. */
const commandBytesMax = 1024 * 1024;
const timeoutMs = 10 * 60_000;
/** What git sends before a large push, to see whether it is let in: `0000`. */
const probeBytes = 4;

/** Resolves when the process has ended and the request was read, which may be long after the answer began. */
export async function exchange(parts: BackendParts, request: Exchange): Promise<void> {
  const { context, answer } = request;
  const { signal } = context.req.raw;
  // Whoever waited for a place may have gone.
  if (signal.aborted) return answer(context.text('', 400));
  const pushBytesMax = parts.pushBytesMax ?? pushBytesMaxDefault;
  const body = new RequestBody(context.req.raw, pushBytesMax + commandBytesMax);
  const backend = streamGit(parts.repositories.tools, {
    args: ['http-backend'],
    config: settings(pushBytesMax),
    variables: variables(request, parts.repositories.tools.dir),
    input: body.read(),
    timeoutMs,
  });
  signal.addEventListener('abort', () => backend.kill());
  const finished = Promise.all([backend.ended, body.isRead]).then(([ended]) =>
    finish(parts, request, ended, body.sizeBytes),
  );
  const said = await readAnswer(backend.output);
  if (said === undefined) {
    backend.kill();
    await finished;
    return answer(context.text('git http-backend gave no answer; the log of Trueup says why.\n', 500));
  }
  // Who pushed hears of the end when everything is in place: HEAD, and that somebody looks.
  const all = async function* (): AsyncIterable<Uint8Array> {
    yield* said.body;
    await finished;
  };
  answer(new Response(ReadableStream.from(all()), { status: said.status, headers: said.headers }));
  return finished;
}

async function finish(
  { repositories, onPush, log }: BackendParts,
  { context, service, isListing, name }: Exchange,
  { code, stderr }: { readonly code: number | null; readonly stderr: string },
  sizeBytes: number,
): Promise<void> {
  const said = stderr.trim().slice(-500);
  if (code !== 0) {
    const level = context.req.raw.signal.aborted ? 'debug' : 'warn';
    return log[level]({ name, service, code, said }, 'a request to the Git server did not end well');
  }
  if (service !== 'git-receive-pack' || isListing || sizeBytes <= probeBytes) return;
  const settled = await repositories.settleHead(name);
  if (!settled.ok) log.warn({ name }, failureLine(settled.failure));
  onPush(name);
}

/** What is pushed is hostile until proven otherwise: no hooks, every object checked (S15). */
function settings(pushBytesMax: number): readonly (readonly [string, string])[] {
  return [
    ['core.hooksPath', '/dev/null'],
    ['http.getanyfile', 'false'],
    ['http.receivepack', 'true'],
    ['http.uploadpack', 'true'],
    ['receive.fsckObjects', 'true'],
    ['receive.maxInputSize', String(pushBytesMax)],
    ['uploadpack.allowFilter', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
    ...toleratedFlaws.map((flaw) => [`receive.fsck.${flaw}`, 'ignore'] as const),
  ];
}

/** The Common Gateway Interface, as much of it as http-backend needs. Without a length it reads to the end. */
function variables(
  { context: { req }, service, isListing, directory }: Exchange,
  root: string,
): Record<string, string> {
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: /^[\w=:.-]{1,100}$/.exec(req.header('git-protocol') ?? '')?.[0] ?? '',
    PATH_INFO: `/${directory}/${isListing ? 'info/refs' : service}`,
    QUERY_STRING: isListing ? `service=${service}` : '',
    REQUEST_METHOD: isListing ? 'GET' : 'POST',
    CONTENT_TYPE: isListing ? '' : `application/x-${service}-request`,
    REMOTE_ADDR: '127.0.0.1',
  };
}

/** Unpacked, counted and limited; `isRead` when there is nothing more to come, for whatever reason. */
class RequestBody {
  readonly isRead: Promise<void>;
  sizeBytes = 0;
  readonly #request: Request;
  readonly #bytesMax: number;
  #end: () => void = () => undefined;

  constructor(request: Request, bytesMax: number) {
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.isRead = new Promise((resolve) => (this.#end = resolve));
  }

  async *read(): AsyncIterable<Uint8Array> {
    const { body, headers } = this.#request;
    const isPacked = headers.get('content-encoding') === 'gzip';
    try {
      for await (const part of (isPacked ? body?.pipeThrough(new DecompressionStream('gzip')) : body) ?? []) {
        this.sizeBytes += part.length;
        if (this.sizeBytes > this.#bytesMax) throw new Error(`more than ${this.#bytesMax} bytes`);
        yield part;
      }
    } finally {
      this.#end();
    }
  }
}
