/** The renderer's sources as a program of this machine: kept running, or started for each render. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Result } from '#model/failure.ts';
import { answerOf } from '../src/pipeline/render/answer.ts';
import type { Answer, SandboxRequest } from '../src/pipeline/render/protocol.ts';
import { encoded } from '../src/pipeline/render/rendering.ts';

export type Binary = 'native' | 'kustomize' | 'helm';

/** Those that are there; they are built where Go is. */
export function buildBinaries(): ReadonlyMap<string, string> {
  const script = path.join(import.meta.dirname, '../scripts/render-native.sh');
  const lines = execFileSync('sh', [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return new Map(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t') as [Binary, string]),
  );
}

/** One process; one request at a time. */
export class NativeProcess {
  readonly #child: ChildProcess;
  #received: Buffer[] = [];
  #waiting: ((text: string) => void) | undefined;

  constructor(binary: string) {
    this.#child = spawn(binary, [], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
    this.#child.stdout?.on('data', (data: Buffer) => this.#receive(data));
  }

  async render(request: SandboxRequest): Promise<Result<Answer>> {
    return answerOf(await this.call(encoded(request)), request);
  }

  /** As `Instance` is called. */
  call(parts: readonly Uint8Array[]): Promise<string> {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(parts.reduce((sum, part) => sum + part.byteLength, 0));
    const answer = new Promise<string>((resolve) => {
      this.#waiting = resolve;
    });
    this.#child.stdin?.write(Buffer.concat([length, ...parts]));
    return answer;
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }

  #receive(data: Buffer): void {
    this.#received.push(data);
    const held = this.#received.reduce((sum, { length }) => sum + length, 0);
    const [first] = this.#received;
    if (first === undefined || held < 4) return;
    const all = Buffer.concat(this.#received);
    const end = 4 + all.readUInt32LE();
    if (all.length < end) return;
    this.#received = all.length > end ? [all.subarray(end)] : [];
    this.#waiting?.(all.toString('utf8', 4, end));
  }
}
