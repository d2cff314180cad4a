/** How health rules read a live object: everything may be missing or of another type, and nothing throws. */
import { isObject } from '#model/json.ts';
import type { Health, ObjectHealth } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';

/** Judges one live object of its kind. */
export type HealthRule = (manifest: Manifest) => ObjectHealth;

/** A verdict, and what it rests on. */
export interface Judgement {
  readonly health: ObjectHealth;
  /** `the table of cert-manager.io/Certificate: Ready is False` */
  readonly rule: string;
  /** What a script printed, for who tries it. */
  readonly printed?: string;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export type Body = Readonly<Record<string, unknown>>;

export const healthy: ObjectHealth = { status: 'Healthy' };

export function health(status: Health, message: string): ObjectHealth {
  return { status, message: sentence(message) };
}

/** Messages of others become one line that ends like a sentence, bounded: they are shown in tables. */
export function sentence(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length > 500 ? `${line.slice(0, 499)}…` : line;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}

export function objectAt(value: unknown, ...path: readonly string[]): Body {
  let at: unknown = value;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  return isObject(at) ? at : {};
}

export function listAt(value: unknown, name: string): readonly Body[] {
  const list = isObject(value) ? value[name] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** An absent count is 0 in every status, and `otherwise` in a spec that has a default. */
export function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === 'number' ? value : otherwise;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function conditionsOf(manifest: Manifest): readonly Condition[] {
  return conditionsIn(objectAt(manifest, 'status')['conditions']);
}

export function conditionsIn(list: unknown): readonly Condition[] {
  return (Array.isArray(list) ? list : []).filter(isObject).map((condition) => ({
    type: textOf(condition['type']),
    status: textOf(condition['status']),
    reason: textOf(condition['reason']),
    message: textOf(condition['message']),
  }));
}

export function conditionOf(manifest: Manifest, type: string): Condition | undefined {
  return conditionsOf(manifest).find((condition) => condition.type === type);
}

/** What a condition says for itself: its message, else its reason, else `otherwise`. */
export function explain(condition: Condition, otherwise: string): string {
  return condition.message || (condition.reason === '' ? otherwise : `${otherwise}: ${condition.reason}`);
}

/** Whether the controller has not looked at the newest spec yet; false where it does not say. */
export function isUnobserved(manifest: Manifest): boolean {
  const generation = manifest.metadata['generation'];
  const written = objectAt(manifest, 'status')['observedGeneration'];
  // Argo Rollouts writes it as a text.
  const observed = typeof written === 'string' && /^\d{1,15}$/.test(written) ? Number(written) : written;
  return typeof generation === 'number' && typeof observed === 'number' && observed < generation;
}

export const unobserved: ObjectHealth = {
  status: 'Progressing',
  message: 'Its controller has not seen the latest change yet.',
};

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
