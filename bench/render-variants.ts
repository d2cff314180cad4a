/** The ways to render one case: in the sandbox, natively in a process that stays, and with a process for each render. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemTimers } from '#host/clock.ts';
import type { Result } from '#model/failure.ts';
import type { Answer, RenderSandbox, SandboxRequest } from '../src/pipeline/render/protocol.ts';
import { rendererOn } from '../src/pipeline/render/renderer.ts';
import { Sandbox } from '../src/pipeline/render/sandbox.ts';
import { noRemotes } from '../src/pipeline/render/repository.fixture.ts';
import { filesOf, requestOf, type RenderCase } from './render-cases.ts';
import { NativeProcess } from './render-native.ts';

export interface Opened {
  /** Resolves with how many objects came out. */
  render(): Promise<number>;
  close(): Promise<void>;
}

export interface Variant {
  readonly name: string;
  open(one: RenderCase, sideBySide: number): Promise<Opened>;
}

/** As the engine renders: worker threads, and rounds of asking for what is missing. */
export const sandboxed: Variant = {
  name: 'sandbox',
  open: async (one, workers) => {
    const sandbox = new Sandbox({ workers, deadlineMs: 120_000, timers: systemTimers });
    await sandbox.version();
    return { render: () => renderOn(sandbox, one), close: () => sandbox.close() };
  },
};

/** The last of those rounds alone: everything that is needed is there. */
export const sandboxedOnce: Variant = {
  name: 'sandbox, last round alone',
  open: async (one, workers) => {
    const sandbox = new Sandbox({ workers, deadlineMs: 120_000, timers: systemTimers });
    const { last } = await recorded(one, sandbox);
    return { render: async () => objectsOf(await sandbox.render(last)), close: () => sandbox.close() };
  },
};

export function nativeVariants(binaries: ReadonlyMap<string, string>): readonly Variant[] {
  const native = binaries.get('native');
  const ours = native === undefined ? [] : [kept(native), started(native)];
  return [...ours, official(binaries)];
}

function kept(binary: string): Variant {
  return {
    name: 'native, kept running',
    open: async (one, sideBySide) => {
      const free = Array.from({ length: sideBySide }, () => new NativeProcess(binary));
      const all = [...free];
      const last = await lastRequest(one);
      return {
        render: async () => {
          const process = free.pop();
          if (process === undefined) throw new Error('more side by side than processes');
          const answer = await process.render(last);
          free.push(process);
          return objectsOf(answer);
        },
        close: async () => void (await Promise.all(all.map((process) => process.close()))),
      };
    },
  };
}

function started(binary: string): Variant {
  return {
    name: 'native, a process a render',
    open: async (one) => {
      const last = await lastRequest(one);
      return {
        render: async () => {
          const process = new NativeProcess(binary);
          const answer = await process.render(last);
          await process.close();
          return objectsOf(answer);
        },
        close: () => Promise.resolve(),
      };
    },
  };
}

/** `kustomize build` or `helm template` on files; what it prints is read and counted, not parsed. */
function official(binaries: ReadonlyMap<string, string>): Variant {
  return {
    name: 'official command',
    open: async (one) => {
      const binary = one.official === undefined ? undefined : binaries.get(one.official.command);
      if (binary === undefined) throw new NotThere();
      const directory = await mkdtemp(path.join(tmpdir(), 'trueup-render-'));
      for (const [file, text] of Object.entries(one.files)) {
        const full = path.join(directory, file);
        await mkdir(path.dirname(full), { recursive: true });
        await writeFile(full, text);
      }
      const env = { HOME: directory, PATH: '' };
      const options = { cwd: directory, env, maxBuffer: 64 * 1024 * 1024 };
      const args = [...(one.official?.args ?? [])];
      return {
        render: () =>
          new Promise((resolve, reject) => {
            execFile(binary, args, options, (error, stdout) =>
              error === null ? resolve(stdout.match(/^kind: /gm)?.length ?? 0) : reject(error),
            );
          }),
        close: () => rm(directory, { recursive: true }),
      };
    },
  };
}

export class NotThere extends Error {}

async function renderOn(sandbox: RenderSandbox, one: RenderCase): Promise<number> {
  const rendered = await rendererOn(sandbox).render(requestOf(one), filesOf(one), noRemotes);
  if (!rendered.ok) throw new Error(rendered.failure.message);
  return rendered.value.objects.length;
}

export interface Recorded {
  /** How often the sandbox was asked for one rendering. */
  readonly rounds: number;
  /** With everything that it needs. */
  readonly last: SandboxRequest;
}

export async function recorded(one: RenderCase, sandbox: RenderSandbox): Promise<Recorded> {
  const requests: SandboxRequest[] = [];
  await renderOn(
    {
      render: (request) => {
        requests.push(request);
        return sandbox.render(request);
      },
      version: () => sandbox.version(),
    },
    one,
  );
  return { rounds: requests.length, last: requests.at(-1)! };
}

async function lastRequest(one: RenderCase): Promise<SandboxRequest> {
  const sandbox = new Sandbox({ workers: 1, deadlineMs: 120_000, timers: systemTimers });
  try {
    return (await recorded(one, sandbox)).last;
  } finally {
    await sandbox.close();
  }
}

function objectsOf(answer: Result<Answer>): number {
  if (!answer.ok) throw new Error(answer.failure.message);
  if (answer.value.kind !== 'done') throw new Error('the last round lacks something');
  return answer.value.objects.length;
}
