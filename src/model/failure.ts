/** Expected failures are values; only bugs are thrown. */
import type { ObjectKey, Position } from './object.ts';
import { describe } from './object.ts';

/**
 * transient: the same attempt may succeed later. terminal: it will not until something changes.
 * blocked: a guard or a person has to decide. denied: the target refused the identity.
 */
export type FailureKind = 'transient' | 'terminal' | 'blocked' | 'denied';
export type Stage =
  | 'compile'
  | 'source'
  | 'artifact'
  | 'render'
  | 'policy'
  | 'observe'
  | 'plan'
  | 'apply'
  | 'health'
  | 'record';

export interface Failure {
  readonly kind: FailureKind;
  /** Stable, in CamelCase; each has a page in docs/errors. */
  readonly code: string;
  readonly stage: Stage;
  /** What happened and what was expected: one sentence, no secret value. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  readonly subject?: ObjectKey;
  readonly at?: Position;
  readonly retryAfterMs?: number;
  readonly cause?: string;
  /** Of a request that was sent: whether it was carried out, or still is to be, is not known. */
  readonly isUnanswered?: true;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}
export function fail(failure: Failure): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure };
}

/** One line for people: object, place, message, remedy, and the code that names its page in docs/errors. */
export function failureLine(failure: Failure): string {
  const subject = failure.subject === undefined ? '' : `${describe(failure.subject)}: `;
  const line = failure.at?.line === undefined ? '' : `:${failure.at.line}`;
  const at = failure.at === undefined ? '' : `${failure.at.path}${line}: `;
  return `${at}${subject}${failure.message}${failure.hint === '' ? '' : ` (${failure.hint})`} [${failure.code}]`;
}

/** Of something that was thrown, which only bugs are: for the log. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : '';
}
