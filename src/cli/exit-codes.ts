/** The exit codes of every command; the page docs/guide/command-line.md lists them. */
import type { Failure } from '#model/failure.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  differences: 2,
  unhealthy: 3,
  unauthorised: 4,
  denied: 5,
  usage: 64,
  interrupted: 130,
} as const;

export function exitCodeOf({ kind, stage, code }: Failure): number {
  if (stage === 'policy' || code === 'Unsupported') return exitCodes.denied;
  return kind === 'denied' ? exitCodes.unauthorised : exitCodes.failed;
}
