/**
 * Resource quantities: the API server stores `1000m` as `1`, so equal amounts must not look like a change. Only used
 * where a field is one by its place; in a ConfigMap the same two texts are different.
 */
import type { Json } from '#model/json.ts';
import type { ElementKey } from './path.ts';

const holders = new Set([
  'f:limits',
  'f:requests',
  'f:capacity',
  'f:hard',
  'f:overhead',
  'f:default',
  'f:defaultRequest',
  'f:min',
  'f:max',
]);
const names = new Set(['f:sizeLimit', 'f:divisor', 'f:averageValue', 'f:storage']);

const powers: Readonly<Record<string, readonly [number, number]>> = {
  n: [10, -9],
  u: [10, -6],
  m: [10, -3],
  '': [10, 0],
  k: [10, 3],
  M: [10, 6],
  G: [10, 9],
  T: [10, 12],
  P: [10, 15],
  E: [10, 18],
  Ki: [2, 10],
  Mi: [2, 20],
  Gi: [2, 30],
  Ti: [2, 40],
  Pi: [2, 50],
  Ei: [2, 60],
};

/** Whether the API server reads a quantity at this path, as far as its names tell. */
export function isQuantityPath(path: readonly ElementKey[]): boolean {
  return path[0] === 'f:spec' && (holders.has(path.at(-2) ?? '') || names.has(path.at(-1) ?? ''));
}

export function sameQuantity(one: Json | undefined, other: Json | undefined): boolean {
  const left = nanos(one);
  return left !== undefined && left === nanos(other);
}

/** In billionths, rounded up as the API server does. */
function nanos(value: Json | undefined): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/.exec(
    String(value),
  );
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = match;
  if (whole + fraction === '') return undefined;
  const [base, power] = exponent === undefined ? powers[suffix]! : [10, Number(exponent)];
  let amount = BigInt(whole + fraction) * 1_000_000_000n;
  let divisor = 10n ** BigInt(fraction.length);
  if (power >= 0) amount *= BigInt(base) ** BigInt(power);
  else divisor *= BigInt(base) ** BigInt(-power);
  const rounded = (amount + divisor - 1n) / divisor;
  return sign === '-' ? -rounded : rounded;
}
