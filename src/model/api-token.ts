/** API tokens that expire, as the cluster keeps them: a digest each, so that who reads the Secret has none of them. */
import { isObject, type Digest, type JsonObject } from './json.ts';
import type { Manifest, ObjectRef } from './object.ts';
import { secretData } from './secret.ts';
import { parseTimestamp, timestamp } from './time.ts';

export interface ApiToken {
  readonly name: string;
  readonly digest: Digest;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Who made it, in their own words. */
  readonly by: string;
}

export const apiTokensRef = (namespace: string): ObjectRef => ({
  group: '',
  version: 'v1',
  kind: 'Secret',
  namespace,
  name: 'trueup-api-tokens',
});

/** A key of a Secret, and a word in who did something. */
export const isTokenName = (name: string): boolean => /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name);

/** What is no token is passed over: nobody gets in by it. */
export function apiTokensIn(secret: Manifest | undefined): readonly ApiToken[] {
  return Object.entries(secretData(secret) ?? {}).flatMap(([name, text]) => {
    const kept = parsed(text);
    const [createdAtMs, expiresAtMs] = [parseTimestamp(kept['created']), parseTimestamp(kept['expires'])];
    const { digest, by } = kept;
    const isToken = typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && isTokenName(name);
    if (!isToken || createdAtMs === undefined || expiresAtMs === undefined) return [];
    return [{ name, digest: digest as Digest, createdAtMs, expiresAtMs, by: String(by ?? '') }];
  });
}

/** The one entry of the Secret's data. */
export function apiTokenEntry({ name, digest, createdAtMs, expiresAtMs, by }: ApiToken): JsonObject {
  const kept = { digest, created: timestamp(createdAtMs), expires: timestamp(expiresAtMs), by };
  return { [name]: Buffer.from(JSON.stringify(kept)).toString('base64') };
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}
