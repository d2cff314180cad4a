/**
 * Turns a refusal of the API server (a `Status` object) into a Failure that says what was asked, who asked, and
 * what to do. Of Secrets only the reason is kept: validation messages quote values (S14).
 */
import type { Failure, FailureKind } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Call } from './call.ts';
import { askedOf, rbacVerb, type Refusal } from './call.ts';

/** Reads the body of an answer that is not a success; bodies of proxies are text or HTML and are shortened. */
export function refusalOf(status: number, text: string, retryAfterMs: number | undefined): Refusal {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const plain = text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
  if (!isObject(body) || body['kind'] !== 'Status') {
    return {
      status,
      reason: '',
      message: plain,
      about: '',
      aboutName: '',
      causes: [],
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  const details = isObject(body['details']) ? body['details'] : {};
  const causes = Array.isArray(details['causes']) ? details['causes'] : [];
  const seconds = details['retryAfterSeconds'];
  const waitMs = retryAfterMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined);
  return {
    status: typeof body['code'] === 'number' && status === 200 ? body['code'] : status,
    reason: textOf(body['reason']),
    message: textOf(body['message']),
    about: textOf(details['kind']),
    aboutName: textOf(details['name']),
    causes: causes.filter(isObject).map((cause) => ({
      reason: textOf(cause['reason']),
      message: textOf(cause['message']),
      field: textOf(cause['field']),
    })),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
}

/** What the refused call means for whoever made it. `origin` names the credentials. */
export function failureOfRefusal(call: Call, refusal: Refusal, origin: string): Failure {
  const make = (kind: FailureKind, code: string, message: string, hint: string): Failure => ({
    kind,
    code,
    stage: call.stage,
    message,
    hint,
    ...(call.subject === undefined ? {} : { subject: call.subject }),
    ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
  });
  const asked = askedOf(call);
  const said = safeMessage(call, refusal);
  const tail = said === '' ? '' : `: ${said}`;
  switch (refusal.status) {
    case 401:
      return make(
        'denied',
        'Unauthorized',
        `the cluster did not accept the credentials of ${origin} (${asked})`,
        'renew the token or certificate',
      );
    case 403:
      return forbidden(make, call, refusal, origin, said);
    case 404:
      return notFound(make, call, refusal, asked, tail);
    case 405:
      return make(
        'terminal',
        'MethodNotAllowed',
        `the cluster does not allow to ${asked}${tail}`,
        'check the apiVersion and kind',
      );
    case 409:
      return conflict(make, call, refusal, asked, tail);
    case 410:
      return make(
        'transient',
        'Expired',
        `the cluster no longer has that version (${asked})`,
        'it is read again',
      );
    case 413:
      return tooLarge(make, asked);
    case 400:
    case 415:
    case 422:
      if (isImmutable(refusal))
        return make(
          'terminal',
          'ImmutableField',
          `the cluster does not let it be changed${tail}`,
          'undo the change; or have the object made anew: delete it, or let the sync do so (Force=true, or spec.force of a Kustomization)',
        );
      return make(
        'terminal',
        refusal.status === 422 ? 'Invalid' : refusal.status === 415 ? 'UnsupportedMediaType' : 'BadRequest',
        `the cluster rejected it${tail}`,
        refusal.status === 415 ? 'this kind may not support server-side apply' : 'correct the manifest',
      );
    case 429:
      return make(
        'transient',
        'TooManyRequests',
        `the cluster asked us to slow down (${asked})`,
        'it is tried again; see its API priority and fairness settings if it goes on',
      );
    case 504:
      return make(
        'transient',
        'Timeout',
        `the cluster took too long to ${asked}${tail}`,
        'it is tried again',
      );
    default:
      if (refusal.status >= 500) return serverError(make, refusal, asked, tail);
      return make(
        'terminal',
        'UnexpectedAnswer',
        `the server answered ${refusal.status} to ${asked}${tail}`,
        'check that the server address is that of a Kubernetes API',
      );
  }
}

type Make = (kind: FailureKind, code: string, message: string, hint: string) => Failure;

function forbidden(make: Make, call: Call, refusal: Refusal, origin: string, said: string): Failure {
  if (refusal.causes.some((cause) => cause.reason === 'NamespaceTerminating')) {
    return make(
      'transient',
      'NamespaceTerminating',
      `namespace ${call.subject?.namespace ?? ''} is being deleted, nothing can be created in it`,
      'wait until it is gone',
    );
  }
  const user = /User "([^"]*)" cannot/.exec(refusal.message)?.[1];
  if (
    user === undefined &&
    refusal.message !== '' &&
    refusal.reason === 'Forbidden' &&
    !/cannot/.test(refusal.message)
  ) {
    return make(
      'terminal',
      'AdmissionDenied',
      `the cluster's admission refused it${said === '' ? '' : `: ${said}`}`,
      'change the object, or the quota or policy that refused it',
    );
  }
  const verb = /cannot (\S+) resource/.exec(refusal.message)?.[1] ?? rbacVerb(call);
  const where =
    call.namespace === undefined || call.namespace === '' ? 'cluster-wide' : `in namespace ${call.namespace}`;
  return make(
    'denied',
    'Forbidden',
    `${user ?? origin} may not ${verb} ${call.resource} ${where}`,
    `grant the verb ${verb} on ${call.resource} to it with a ${where === 'cluster-wide' ? 'ClusterRole and ClusterRoleBinding' : 'Role and RoleBinding'}`,
  );
}

function notFound(make: Make, call: Call, refusal: Refusal, asked: string, tail: string): Failure {
  if (refusal.about === 'namespaces' && call.resource !== 'namespaces') {
    return make(
      'terminal',
      'NamespaceNotFound',
      `namespace ${refusal.aboutName} does not exist`,
      'create it, or let the sync do so (CreateNamespace=true)',
    );
  }
  if (refusal.aboutName === '' || refusal.reason === '') {
    // The path itself is not served: "404 page not found", or a Status that names no object.
    return make(
      'transient',
      'KindNotServed',
      `the cluster does not serve ${call.resource}`,
      'install the CRD or API service that defines it, or correct the apiVersion',
    );
  }
  return make(
    'terminal',
    'NotFound',
    `there is no such object (${asked})${tail}`,
    'it may have been deleted meanwhile',
  );
}

function conflict(make: Make, call: Call, refusal: Refusal, asked: string, tail: string): Failure {
  if (refusal.reason === 'AlreadyExists')
    return make('terminal', 'AlreadyExists', `it exists already (${asked})`, 'it is observed again');
  const owned = ownedFields(refusal);
  if (owned !== '')
    return make('blocked', 'FieldConflict', owned, 'let the other manager give the field up, or force it');
  return make('transient', 'Conflict', `it changed meanwhile (${asked})${tail}`, 'it is observed again');
}

function tooLarge(make: Make, asked: string): Failure {
  return make(
    'terminal',
    'TooLarge',
    `the object is larger than the cluster accepts (${asked})`,
    'split it; ConfigMaps and Secrets may have about 1 MiB',
  );
}

function serverError(make: Make, refusal: Refusal, asked: string, tail: string): Failure {
  if (TOO_LARGE.test(refusal.message)) return tooLarge(make, asked);
  if (isFinal(refusal))
    return make('terminal', 'Invalid', `the cluster rejected it${tail}`, 'correct the manifest');
  if (/failed calling webhook/.test(refusal.message)) {
    return make(
      'transient',
      'WebhookFailed',
      `an admission webhook of the cluster could not be called${tail}`,
      'check the service behind the webhook',
    );
  }
  return make(
    'transient',
    'ServerError',
    `the cluster answered ${refusal.status} to ${asked}${tail}`,
    'it is tried again; see the log of its API server if it goes on',
  );
}

const SCHEMA_ERROR =
  /^failed to (?:create typed (?:patch|live) object|convert new object) \([^)]*\)(?: to proper version: unable to convert unstructured object to [^:]*)?: ?(.*)/s;
const TOO_LARGE = /etcdserver: request is too large|Request entity too large/;

/**
 * Server-side apply answers 500, without a reason, when a manifest does not fit the kind's schema (measured on
 * 1.36), and so does etcd for what is too large: trying that again would only be noise.
 */
export function isFinal(refusal: Refusal): boolean {
  return refusal.status === 500 && (SCHEMA_ERROR.test(refusal.message) || TOO_LARGE.test(refusal.message));
}

/** As the kinds of Kubernetes say it, and rules of a CRD commonly do. */
const IMMUTABLE =
  /\bimmutable\b|\b(?:may not|can ?not) (?:be )?(?:changed?|unset)\b|\bupdates to .+ (?:is|are) forbidden/i;

/** Whether nothing else is wrong than that fields were changed which cannot be. */
function isImmutable({ status, causes }: Refusal): boolean {
  const isOfChange = ({ reason, message }: Refusal['causes'][number]): boolean => {
    if (reason === 'FieldValueForbidden') return IMMUTABLE.test(message);
    // `Invalid value: VALUE: why`, of which the value may say anything.
    return reason === 'FieldValueInvalid' && IMMUTABLE.test(message.slice(message.lastIndexOf(': ') + 1));
  };
  return status === 422 && causes.length > 0 && causes.every(isOfChange);
}

/** `field .spec.replicas is owned by kubectl`; empty when the refusal is not about ownership. */
export function ownedFields(refusal: Refusal): string {
  const fields = refusal.causes
    .filter((cause) => cause.reason === 'FieldManagerConflict')
    .map((cause) => {
      const manager = /conflict with "([^"]*)"(?: with subresource "([^"]*)")?/.exec(cause.message);
      const sub = manager?.[2] === undefined ? '' : ` (subresource ${manager[2]})`;
      return `field ${cause.field} is owned by ${manager?.[1] ?? 'another manager'}${sub}`;
    });
  const shown = fields.slice(0, 5).join('; ');
  return fields.length > 5 ? `${shown}; and ${fields.length - 5} more` : shown;
}

function safeMessage(call: Call, refusal: Refusal): string {
  // The value that does not fit is quoted in Go's syntax: useless to read, and it may be secret.
  const schema = SCHEMA_ERROR.exec(refusal.message)?.[1]?.replace(/, got &value.*$/s, '');
  if (schema !== undefined)
    return call.resource === 'secrets'
      ? (/^\.[\w.-]+|illegal base64 data at input byte \d+/.exec(schema)?.[0] ?? 'Invalid')
      : schema.slice(0, 2000);
  if (call.resource === 'secrets' && refusal.status !== 404) {
    const fields = refusal.causes
      .map((cause) => cause.field.replace(/\[[^\]]*\]/g, '[…]'))
      .filter((field) => field !== '');
    const reason = refusal.reason === '' ? '' : refusal.reason;
    return fields.length === 0 ? reason : `${reason} (${[...new Set(fields)].join(', ')})`;
  }
  if (refusal.causes.length > 0 && refusal.status === 422) {
    const causes = refusal.causes.map((cause) =>
      cause.field === '' ? cause.message : `${cause.field}: ${cause.message}`,
    );
    const shown = [...new Set(causes)].slice(0, 8).join('; ');
    return shown.slice(0, 2000);
  }
  return refusal.message.slice(0, 2000);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
