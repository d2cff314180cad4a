/** The system that is measured: `bin/trueup start`, outside the cluster as the peers were. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Change } from './applications.ts';
import { until } from './time.ts';

const execute = promisify(execFile);
const program = path.join(import.meta.dirname, '../bin/trueup');

export interface TrueupOptions {
  readonly kubeconfig: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly port: number;
  /** Where V8's CPU profiles go, one a thread; undefined for a run whose figures count. */
  readonly profileDirectory?: string;
}

export class Trueup {
  readonly #options: TrueupOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<string> | undefined;
  #stopping = false;
  #onDeath: (error: Error) => void = () => undefined;
  /** Rejects when it ends without having been told to. */
  readonly death: Promise<never>;

  constructor(options: TrueupOptions) {
    this.#options = options;
    this.death = new Promise((_, reject) => {
      this.#onDeath = reject;
    });
    this.death.catch(() => undefined);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('Trueup does not run');
    return pid;
  }

  async install(): Promise<void> {
    await execute(program, ['install', '--crds', '--kubeconfig', this.#options.kubeconfig]);
  }

  /** Resolves when it says that it is ready. */
  async start(): Promise<void> {
    const { kubeconfig, dataDirectory, logFile, port, profileDirectory } = this.#options;
    const log = openSync(logFile, 'a');
    const flags = ['--kubeconfig', kubeconfig, '--data-dir', dataDirectory, '--port', String(port)];
    // More samples a second would keep it from ever being quiet.
    const nodeOptions = `--cpu-prof --cpu-prof-interval=4000 --cpu-prof-dir=${profileDirectory}`;
    const child = spawn(program, ['start', ...flags], {
      stdio: ['ignore', log, log],
      // A terminal's Ctrl-C is for the harness, which then ends it in order.
      detached: true,
      env: { ...process.env, ...(profileDirectory === undefined ? {} : { NODE_OPTIONS: nodeOptions }) },
    });
    closeSync(log);
    this.#child = child;
    this.#stopping = false;
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('exit', (code, signal) => resolve(String(code ?? signal)));
    });
    void this.#watch(this.#ended);
    const ready = until('Trueup to be ready', async () => (await this.#fetch('/readyz')).ok, 60);
    await Promise.race([ready, this.death]);
  }

  async #watch(ended: Promise<string>): Promise<void> {
    const how = await ended;
    if (this.#stopping) return;
    const last = readFileSync(this.#options.logFile, 'utf8').slice(-2000);
    this.#onDeath(new Error(`Trueup ended by itself (${how}):\n${last}`));
  }

  /** Asks it to end; says with which code it did. */
  async stop(): Promise<string | undefined> {
    if (this.#child === undefined) return undefined;
    this.#stopping = true;
    this.#child.kill('SIGTERM');
    const child = this.#child;
    const forced = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const how = await this.#ended;
    clearTimeout(forced);
    this.#child = undefined;
    return how;
  }

  /** As GitHub tells of a push. */
  async notify(change: Change, repositoryUrl: string): Promise<void> {
    const body = {
      ref: 'refs/heads/main',
      before: change.before,
      after: change.after,
      repository: {
        html_url: repositoryUrl.replace(/\.git$/, ''),
        default_branch: 'main',
        name: 'repo',
        full_name: 'repo',
      },
      commits: [{ id: change.after, added: [], removed: [], modified: change.files }],
      head_commit: { id: change.after },
    };
    const answer = await this.#fetch('/api/webhook', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'x-github-event': 'push' },
    });
    const text = await answer.text();
    if (text !== 'ok\n') throw new Error(`webhook: ${answer.status} ${text}`);
  }

  /** How many applications it has looked at since its start. */
  async lookedAt(): Promise<number> {
    const text = await (await this.#fetch('/metrics')).text();
    return Number(/^trueup_units_looked_at (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  #fetch(route: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#options.port}${route}`, init);
  }
}
