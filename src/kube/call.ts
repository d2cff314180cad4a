/** One request to a Kubernetes API, before it has a connection; and what came of it. */
import type { Failure, Stage } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';

export interface Call {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'discover';
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server's address, with its query. */
  readonly path: string;
  /** `deployments.apps`, `configmaps`: for messages and metrics. */
  readonly resource: string;
  readonly stage: Stage;
  /**
   * Whether sending it twice does no harm when the reply to the first was lost (F2). A call that is not is
   * retried only when it surely did not reach the server, or the server surely refused it.
   */
  readonly repeatable: boolean;
  readonly subject?: ObjectRef;
  readonly namespace?: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** From the call to the last byte: waiting for its turn and retries included. */
  readonly deadlineMs?: number;
  /** On the monotonic clock: it is not sent after that, and given up then. */
  readonly untilMs?: number;
}

export interface Answer {
  readonly answered: true;
  readonly status: number;
  readonly body: unknown;
  /** The texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}
/** What the server said when it refused. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** The kind that `details` names: for a 404 it tells a missing namespace from a missing object. */
  readonly about: string;
  readonly aboutName: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterMs?: number;
}
/**
 * Not a Result on purpose: the refusal quotes what the server said, which may be secret (S14). Only the failure made of
 * it leaves this room.
 */
export interface NoAnswer {
  readonly answered: false;
  readonly failure: Failure;
  /** Absent when the server did not answer at all. */
  readonly refusal?: Refusal;
}
export type Reply = Answer | NoAnswer;

export function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** `patch deployments.apps payments/api`. */
export function askedOf(call: Call): string {
  const subject = call.subject;
  const name =
    subject === undefined ? '' : ` ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`;
  return `${rbacVerb(call)} ${call.resource}${name}`;
}

/** The verb that RBAC knows. */
export function rbacVerb(call: Call): string {
  return call.verb === 'apply' ? 'patch' : call.verb;
}
