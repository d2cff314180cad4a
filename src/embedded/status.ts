/** What a client of the API hears when a request fails: a Status, with Kubernetes' own codes, reasons and sentences. */
import type { JsonObject } from '#model/json.ts';

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: JsonObject;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: JsonObject;
  /** A success has none. */
  readonly code?: number;
}

/** Thrown inside the embedded cluster, and answered as a Status at its edge: the server in api.ts has no other outcome. */
export class StatusError extends Error {
  readonly status: Status;
  readonly warnings: readonly string[];
  constructor(status: Status, warnings: readonly string[] = []) {
    super(status.message ?? status.reason ?? String(status.code));
    this.status = status;
    this.warnings = warnings;
  }
}

export function refused(code: number, reason: string, message: string, details?: JsonObject): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}

interface Named {
  readonly group: string;
  readonly name: string;
}
export const qualified = ({ group, name }: Named): string => (group === '' ? name : `${name}.${group}`);
const detailsOf = ({ group, name: kind }: Named, name: string): JsonObject => ({
  name,
  ...(group === '' ? {} : { group }),
  kind,
});

export const notFound = (resource: Named, name: string): StatusError =>
  refused(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

export const conflict = (resource: Named, name: string, why: string): StatusError =>
  refused(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export function alreadyExists(
  resource: Named,
  name: string,
  isBeingDeleted: boolean,
  warnings: readonly string[],
): StatusError {
  const prefix = isBeingDeleted ? 'object is being deleted: ' : '';
  const message = `${prefix}${qualified(resource)} "${name}" already exists`;
  return new StatusError(refused(409, 'AlreadyExists', message, detailsOf(resource, name)).status, warnings);
}

export const badRequest = (message: string): StatusError => refused(400, 'BadRequest', message);

export interface Cause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

/** `subject` is how the message names the kind. */
export function invalid(
  { group, name: kind }: Named,
  subject: string,
  name: string,
  causes: readonly Cause[],
): StatusError {
  const said = causes.map(({ field, message }) => `${field}: ${message}`);
  const why = said.length === 1 ? said.join('') : `[${said.join(', ')}]`;
  return refused(422, 'Invalid', `${subject} "${name}" is invalid: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind,
    causes: causes.map(({ field, reason, message }) => ({ reason, message, field })),
  });
}

export const tooLargeVersion = (version: string, current: number): StatusError =>
  refused(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

export const expired = (message: string): StatusError => refused(410, 'Expired', message);

/** Nothing is served below the path. Clients make a Status of the page that they get. */
export class NoSuchPath extends StatusError {
  static readonly page = '404 page not found\n';
}
export const noSuchPath = (): NoSuchPath =>
  new NoSuchPath(refused(404, 'NotFound', 'the server could not find the requested resource', {}).status);

export const methodNotAllowed = (): StatusError =>
  refused(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const unsupported = (what: string): StatusError =>
  refused(
    501,
    'NotImplemented',
    `${what} is not supported by the embedded cluster; a real one has it (docs/reference/embedded-cluster.md)`,
  );
