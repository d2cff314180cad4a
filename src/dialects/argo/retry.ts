/** How often a failed sync is tried again: one that the policy asks for, and one that a person does. */
import type { Failure } from '#model/failure.ts';
import { parseDuration } from '#model/time.ts';
import type { Retry } from '#model/unit.ts';
import { invalid } from '../parse-spec.ts';
import type { ApplicationSpec, RetrySpec } from './schema.ts';

/** Where nothing is set, as often as Argo CD's automated sync; what comes after the last retry is the engine's. */
export const defaultRetry: Retry = { limit: 5, firstMs: 5000, factor: 2, maxMs: 180_000 };

export function policyRetry({ syncPolicy }: ApplicationSpec, refused: Failure[]): Retry {
  const retry = syncPolicy?.retry;
  return retry === undefined ? defaultRetry : read(retry, 'spec.syncPolicy.retry', defaultRetry, refused);
}

/** Without a limit it is tried once, as in Argo CD. `path`: where it stands, for messages. */
export function requestRetry(retry: RetrySpec, path: string, refused: Failure[]): Retry {
  return read(retry, path, { ...defaultRetry, limit: 0 }, refused);
}

function read({ limit: written, backoff }: RetrySpec, path: string, usual: Retry, refused: Failure[]): Retry {
  const duration = (value: string | number | undefined, field: string, otherwise: number): number => {
    if (value === undefined) return otherwise;
    const parsed = parseDuration(String(value));
    if (parsed !== undefined) return parsed;
    refused.push(
      invalid(`${path}.backoff.${field}: "${value}" is not a duration`, 'write it as 5s, 3m or 1h30m'),
    );
    return otherwise;
  };
  const limit = written ?? usual.limit;
  return {
    limit: typeof limit === 'number' && limit < 0 ? 'forever' : limit,
    firstMs: duration(backoff?.duration, 'duration', usual.firstMs),
    factor: backoff?.factor ?? usual.factor,
    maxMs: duration(backoff?.maxDuration, 'maxDuration', usual.maxMs),
  };
}
