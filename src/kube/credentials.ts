/**
 * The headers that say who we are. A token file is read again every minute and before the token in it expires,
 * and once more when the server answers 401 (F25): the kubelet replaces the file in place.
 */
import type { Clock } from '#model/ports.ts';
import type { Access, ReadFile } from './access.ts';

const REREAD_MS = 60_000;
const EXPIRY_MARGIN_MS = 30_000;

export class Credentials {
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #readFile: ReadFile;
  #token: string | undefined;
  #readAtMs: number | undefined;

  constructor(access: Access, clock: Clock, readFile: ReadFile) {
    if (access.impersonate !== undefined && access.impersonate.user === '')
      throw new Error('an impersonated identity is never empty');
    this.#access = access;
    this.#clock = clock;
    this.#readFile = readFile;
    this.#token = access.token;
  }

  /** Header names and values in turns, as undici takes them: `Impersonate-Group` may repeat. */
  headers(): string[] {
    const { basic, impersonate } = this.#access;
    const token = this.#currentToken();
    const headers: string[] = [];
    if (token !== undefined) headers.push('authorization', `Bearer ${token}`);
    else if (basic !== undefined) {
      const pair = Buffer.from(`${basic.username}:${basic.password}`, 'utf8').toString('base64');
      headers.push('authorization', `Basic ${pair}`);
    }
    if (impersonate !== undefined) {
      headers.push('impersonate-user', impersonate.user);
      for (const group of impersonate.groups) headers.push('impersonate-group', group);
    }
    return headers;
  }

  /** After a 401: reads the file again. True when there is now another token, so that one retry is worth it. */
  renew(used: readonly string[]): boolean {
    if (this.#access.tokenFile === undefined) return false;
    this.#read(this.#access.tokenFile);
    return this.#token !== undefined && !used.includes(`Bearer ${this.#token}`);
  }

  #currentToken(): string | undefined {
    const file = this.#access.tokenFile;
    if (file === undefined) return this.#token;
    const sinceMs = this.#readAtMs === undefined ? Infinity : this.#clock.monotonic() - this.#readAtMs;
    if (sinceMs >= REREAD_MS || this.#expiresSoon()) this.#read(file);
    return this.#token;
  }

  #expiresSoon(): boolean {
    const expiry = this.#token === undefined ? undefined : expiryOf(this.#token);
    return expiry !== undefined && this.#clock.now() > expiry - EXPIRY_MARGIN_MS;
  }

  #read(file: string): void {
    this.#readAtMs = this.#clock.monotonic();
    try {
      const text = this.#readFile(file).trim();
      if (text !== '') this.#token = text;
    } catch {
      // The file is being replaced, or is gone: the token that we have may still be good, else the server says 401.
    }
  }
}

/** The `exp` claim of a JWT in milliseconds, without verifying it: only the server's opinion counts. */
function expiryOf(token: string): number | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
