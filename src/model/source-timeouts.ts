/** How long those who ask for the same source give its server: one fetch serves them all, and nobody gets less than they asked for. */
import type { SourceTimeout } from './unit.ts';

/** Where nothing is said; as Flux. */
export const usualTimeoutMs = 60_000;

export function timeoutMsOf(timeout: SourceTimeout | undefined): number {
  return timeout?.ms ?? usualTimeoutMs;
}

export function longestTimeout(timeouts: readonly (SourceTimeout | undefined)[]): SourceTimeout | undefined {
  let longest = timeouts[0];
  for (const timeout of timeouts) if (timeoutMsOf(timeout) > timeoutMsOf(longest)) longest = timeout;
  return longest;
}
