/** The data of Secrets: base64 in the API, text where it is used. */
import { isObject } from './json.ts';
import type { Manifest } from './object.ts';

/** One value as text; undefined where the Secret, or the key, is not there. */
export function secretText(secret: Manifest | undefined, key: string): string | undefined {
  const data = secret?.['data'];
  const value = isObject(data) ? data[key] : undefined;
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}

/** All values as text; undefined where there is no Secret, or none with data. */
export function secretData(secret: Manifest | undefined): Readonly<Record<string, string>> | undefined {
  const data = secret?.['data'];
  if (!isObject(data)) return undefined;
  return Object.fromEntries(Object.keys(data).map((key) => [key, secretText(secret, key) ?? '']));
}
