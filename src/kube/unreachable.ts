/** What it means when there was no answer at all, in words for whoever has to mend it. */
import type { Failure } from '#model/failure.ts';
import type { Access } from './access.ts';
import type { Call } from './call.ts';
import { askedOf } from './call.ts';

export function connectionFailure(
  call: Call,
  access: Access,
  error: unknown,
  timedOut: boolean,
  closed: boolean,
): Failure {
  const base = { stage: call.stage, ...(call.subject === undefined ? {} : { subject: call.subject }) };
  if (closed) {
    return {
      ...base,
      kind: 'transient',
      code: 'Closed',
      message: `the connection to ${access.server} was closed by this program (${askedOf(call)})`,
      hint: 'it is stopping, or the cluster was removed',
    };
  }
  if (timedOut) {
    return {
      ...base,
      kind: 'transient',
      code: 'Timeout',
      message: `the Kubernetes API at ${access.server} did not answer in time (${askedOf(call)})`,
      hint: 'check the load of its API server and the network between',
    };
  }
  const code = codeOf(error);
  const certificate = CERTIFICATE[code];
  if (certificate !== undefined) {
    return {
      ...base,
      kind: 'terminal',
      code: 'CertificateRejected',
      message: `the certificate of ${access.server} is not trusted: ${certificate}`,
      hint: `correct certificate-authority or tls-server-name in ${access.origin}`,
      cause: code,
    };
  }
  const why = CONNECTION[code] ?? (error instanceof Error ? error.message : String(error));
  return {
    ...base,
    kind: 'transient',
    code: 'Unreachable',
    message: `cannot reach the Kubernetes API at ${access.server}: ${why}`,
    hint: `check that the cluster runs, and the server address in ${access.origin}`,
    cause: code,
  };
}

/** True when the request cannot have reached the server, so that sending it again cannot do it twice. */
export function neverSent(error: unknown): boolean {
  const code = codeOf(error);
  return UNSENT.has(code);
}

const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const CONNECTION: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed',
};

const CERTIFICATE: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not the one expected',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known',
  CERT_SIGNATURE_FAILURE: 'it was signed by another authority',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet: check the clock',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
};

/** The system's code, also of the first of several attempts (a host with IPv4 and IPv6 addresses). */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0)
    return codeOf(error.errors[0]);
  return 'cause' in error ? codeOf(error.cause) : '';
}
