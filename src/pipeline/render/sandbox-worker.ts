/** The other side of sandbox.ts: renders what it is sent. It has no environment and is handed no ports. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';
import { fail, type Failure, type Result } from '#model/failure.ts';
import { answerOf } from './answer.ts';
import { Instance } from './instance.ts';
import type { Answer, SandboxRequest } from './protocol.ts';
import { refusal } from './refusal.ts';
import { Exit } from './wasi.ts';

const { module, warm } = workerData as { readonly module: WebAssembly.Module; readonly warm: boolean };
let instance: Instance | undefined;

function render(request: SandboxRequest): Result<Answer> {
  const { directories, known, absent, files } = request.tree;
  const listed = files.map(({ path, content }) => ({ path, bytes: content.byteLength }));
  const tree = { directories, known, absent, files: listed };
  const header = Buffer.from(JSON.stringify({ op: request.op, options: request.options, tree }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.byteLength);
  try {
    instance ??= new Instance(module, systemClock, systemRandom);
    return answerOf(instance.call([length, header, ...files.map(({ content }) => content)]), request);
  } catch (error) {
    // After a trap nothing in the instance is to be trusted.
    const words = instance?.lastWords ?? '';
    instance = undefined;
    return fail(trapped(error, words, request.root));
  }
}

function trapped(error: unknown, lastWords: string, root: string): Failure {
  const text = `${error instanceof Error ? error.message : String(error)} ${lastWords}`;
  const at = { path: root || '.' };
  const hint = 'look for very large or deeply nested files, or split the directory';
  if (/out of memory|cannot allocate/i.test(text))
    return refusal('RenderOutOfMemory', 'Rendering ran out of memory.', hint, at);
  if (/stack (overflow|exceeds|size exceeded)/i.test(text))
    return refusal(
      'RenderOutOfMemory',
      'Rendering recursed without end.',
      'look for templates that include themselves',
      at,
    );
  const why = error instanceof Exit ? `it ended with ${error.code}` : text.split('\n')[0]!.slice(0, 200);
  return refusal('RenderCrashed', `Rendering failed unexpectedly; this is a bug: ${why}.`, hint, at);
}

/** Functions are compiled when they are first called: half a second that nobody should have to wait for. */
function warmUp(): void {
  const content = Buffer.from(
    'resources: []\nnamePrefix: x-\nconfigMapGenerator:\n- name: a\n  literals: [a=b]\n',
  );
  render({
    op: 'kustomize',
    options: { path: 'warm', limits: {}, loadRestriction: 'root', edits: {} },
    tree: {
      directories: { warm: ['kustomization.yaml'] },
      known: [],
      absent: [],
      files: [{ path: 'warm/kustomization.yaml', content }],
    },
    root: 'warm',
    objectBytesMax: 1,
    lenient: [],
  });
}

parentPort?.on('message', (request: SandboxRequest) => parentPort?.postMessage(render(request)));
if (warm) warmUp();
