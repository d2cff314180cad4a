/** The other side of sandbox.ts: renders what it is sent. It has no environment and is handed no ports. */
import { parentPort } from 'node:worker_threads';
import type { RenderRequest } from '#model/ports.ts';
import { renderDirectory } from './directory.ts';

parentPort?.on('message', (request: RenderRequest) => parentPort?.postMessage(renderDirectory(request)));
