/** Reads an index away from the engine's thread: those of large repositories take seconds. */
import { parentPort, workerData } from 'node:worker_threads';
import { parseIndex } from './helm-index.ts';

const { url, text } = workerData as { readonly url: string; readonly text: string };
parentPort?.postMessage(parseIndex(url, text));
