import { fork, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import type { FromWorker, Task } from './worker.ts';

/** A process, begun with its first run, in which what lies in that directory stands in place of the checkout's files. */
export class Runner {
  readonly #directory: string;
  #child: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async violationOf(task: Task): Promise<string | undefined> {
    this.#child ??= await this.#begin();
    const answer = next(this.#child);
    this.#child.send(task);
    const message = await answer;
    return typeof message === 'object' && 'ran' in message ? message.ran.violation : undefined;
  }
  end(): void {
    this.#child?.kill();
  }

  async #begin(): Promise<ChildProcess> {
    const child = fork(new URL('./worker.ts', import.meta.url), {
      execArgv: ['--import', new URL('./planted-source.ts', import.meta.url).href],
      env: { ...process.env, PLANTED: this.#directory },
      silent: true,
    });
    await next(child);
    return child;
  }
}

function next(child: ChildProcess): Promise<FromWorker> {
  return new Promise((resolve, reject) => {
    const words: string[] = [];
    const hear = (chunk: Buffer): void => void words.push(chunk.toString());
    const ended = (code: number | null): void =>
      reject(new Error(`its process ended with ${code}: ${words.join('')}`));
    child.stderr?.on('data', hear);
    child.once('exit', ended);
    child.once('message', (message: FromWorker) => {
      child.stderr?.off('data', hear);
      child.off('exit', ended);
      resolve(message);
    });
  });
}
