/** How this room says no: always of a source. */
import type { Failure, FailureKind } from '#model/failure.ts';

type RegistryCode =
  | 'ArchiveRefused'
  | 'ChartNotFound'
  | 'DigestMismatch'
  | 'ForbiddenHost'
  | 'InvalidIndex'
  | 'RegistryAuthenticationFailed'
  | 'RegistryTlsFailed'
  | 'RegistryUnreachable'
  | 'RegistryAnswer'
  | 'UnsupportedRegistry';

export function refusal(
  code: RegistryCode,
  message: string,
  hint: string,
  kind: FailureKind = 'terminal',
): Failure {
  return { kind, code, stage: 'source', message, hint };
}
