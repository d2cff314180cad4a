/**
 * Who may call the API. There is one person so far, the administrator, who shows an API token, or a session that was
 * given for a password (ADR 16). A session is a JWT, signed with HS256 under a key that changes with the password. A
 * token that expires has a name, which stands with what is done by it.
 */
import { createHash, hkdfSync, randomUUID, timingSafeEqual } from 'node:crypto';
import { compare } from 'bcryptjs';
import { errors, jwtVerify, SignJWT } from 'jose';
import { digestOf } from '#fields/digest.ts';
import type { ApiToken } from '#model/api-token.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Clock } from '#model/ports.ts';
import { timestamp } from '#model/time.ts';

/** What the cluster keeps about it; each may be absent. */
export interface ApiSecrets {
  /** bcrypt, as Argo CD's `admin.password`. */
  readonly passwordHash?: string;
  /** Argo CD's `server.secretkey`. */
  readonly signingSecret?: string;
  /** A further API token. */
  readonly token?: string;
  /** Tokens that expire: their digests. */
  readonly expiring?: readonly ApiToken[];
  /** Argo CD's `admin.enabled`. */
  readonly isLoginOff?: boolean;
}
export interface ApiAccessParts {
  readonly clock: Clock;
  /** The token of the data directory. */
  readonly token: string;
  /** What sessions are signed under where the cluster keeps no `signingSecret`. */
  readonly key: Uint8Array;
  readonly secrets: () => Promise<Result<ApiSecrets>>;
}

const issuer = 'trueup';
const audience = 'trueup-api';
const algorithm = 'HS256';
export const administrator = 'admin';
const subject = `${administrator}:login`;
export const sessionMs = 24 * 3_600_000;
/** A token that could be guessed is none. */
export const tokenLengthMin = 24;
const inputLengthMax = 4096;
const secretsAgeMaxMs = 5000;
/** Of no password: so that an unknown name takes as long as a wrong password. */
const nobodysHash = '$2b$10$dCRgrMt8dCGspFkuo4yNr.dfv/X9XUxCg..HPY1iEp0wZih2ggjBO';

export class ApiAccess {
  readonly #parts: ApiAccessParts;
  #secrets: { readonly atMs: number; readonly read: Promise<Result<ApiSecrets>> } | undefined;

  constructor(parts: ApiAccessParts) {
    this.#parts = parts;
  }

  /**
   * The name of whoever this bearer token is from; undefined: nobody's. A failure: it has expired, or it cannot be known
   * at present.
   */
  async who(bearer: string): Promise<Result<string | undefined>> {
    if (bearer === '' || bearer.length > inputLengthMax) return ok(undefined);
    if (equals(bearer, this.#parts.token)) return ok(administrator);
    const secrets = await this.#read();
    if (!secrets.ok) return secrets;
    if (isToken(secrets.value.token) && equals(bearer, secrets.value.token)) return ok(administrator);
    const digest = digestOf(bearer);
    const expiring = secrets.value.expiring?.find((token) => equals(digest, token.digest));
    if (expiring !== undefined) return this.#ofExpiring(expiring);
    return this.#ofSession(bearer, secrets.value);
  }

  #ofExpiring({ name, expiresAtMs }: ApiToken): Result<string> {
    if (this.#parts.clock.now() < expiresAtMs) return ok(`token:${name}`);
    return fail(
      expired(`the token ${name} expired at ${timestamp(expiresAtMs)}`, `trueup token create ${name}`),
    );
  }

  /** A session for a password; undefined: wrong name or password. Without a password set, an API token is one. */
  async login(username: string, password: string): Promise<Result<string | undefined>> {
    if (password === '' || password.length > inputLengthMax) return ok(undefined);
    const secrets = await this.#read();
    if (!secrets.ok) return secrets;
    if (!(await this.#isRight(username, password, secrets.value))) return ok(undefined);
    const seconds = Math.floor(this.#parts.clock.now() / 1000);
    return ok(
      await new SignJWT()
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt(seconds)
        .setNotBefore(seconds)
        .setExpirationTime(seconds + sessionMs / 1000)
        .sign(this.signingKey(secrets.value)),
    );
  }

  /** A session ends with the password that it was given for. */
  signingKey({ signingSecret, passwordHash }: ApiSecrets): Uint8Array {
    const purpose = `trueup api session ${sha256(passwordHash ?? this.#parts.token).toString('hex')}`;
    return new Uint8Array(hkdfSync('sha256', signingSecret ?? this.#parts.key, '', purpose, 32));
  }

  async #isRight(username: string, password: string, secrets: ApiSecrets): Promise<boolean> {
    const { passwordHash, token, isLoginOff } = secrets;
    if (passwordHash !== undefined) {
      const isKnown = username === administrator && isLoginOff !== true;
      const holds = await compare(password, isKnown ? passwordHash : nobodysHash).catch(() => false);
      return isKnown && holds;
    }
    const isAnyToken = [this.#parts.token, token]
      .filter(isToken)
      .map((known) => equals(password, known))
      .includes(true);
    return isAnyToken && username === administrator && isLoginOff !== true;
  }

  async #ofSession(bearer: string, secrets: ApiSecrets): Promise<Result<string | undefined>> {
    try {
      await jwtVerify(bearer, this.signingKey(secrets), {
        algorithms: [algorithm],
        issuer,
        audience,
        subject,
        requiredClaims: ['exp', 'iat', 'nbf', 'jti'],
        maxTokenAge: sessionMs / 1000,
        currentDate: new Date(this.#parts.clock.now()),
      });
      return ok(administrator);
    } catch (error) {
      // Its signature, and whose it is, were looked at first.
      if (error instanceof errors.JWTExpired) return fail(expired('the session has expired', 'log in again'));
      return ok(undefined);
    }
  }

  /** A burst of requests reads them once; a change counts some seconds later. */
  async #read(): Promise<Result<ApiSecrets>> {
    const nowMs = this.#parts.clock.monotonic();
    if (this.#secrets === undefined || nowMs - this.#secrets.atMs > secretsAgeMaxMs) {
      this.#secrets = { atMs: nowMs, read: this.#parts.secrets() };
    }
    const { read } = this.#secrets;
    const result = await read;
    // What failed is read again by the next who asks.
    if (!result.ok && this.#secrets?.read === read) this.#secrets = undefined;
    return result;
  }
}

function expired(message: string, hint: string): Failure {
  return { kind: 'denied', code: 'TokenExpired', stage: 'policy', message, hint };
}

function isToken(token: string | undefined): token is string {
  return token !== undefined && token.length >= tokenLengthMin;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** In constant time, whatever the lengths. */
function equals(given: string, known: string): boolean {
  return timingSafeEqual(sha256(given), sha256(known));
}
