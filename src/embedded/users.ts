/** Who a token stands for: the administrator, others that the host names, and the ServiceAccounts that asked for one. */
import type { Clock, Random } from '#model/ports.ts';
import { timestamp } from '#model/time.ts';
import { groupsOfAccount } from './impersonation.ts';
import type { StoredMetadata } from './objects.ts';
import { mastersGroup, serviceAccountName, type User } from './authorization.ts';

interface Issued {
  readonly user: User;
  readonly expiresMs: number;
}

const tokenBytes = 24;
const lifetimeDefaultMs = 3_600_000;
const issuedMax = 1_000;

export const administrator: User = {
  name: 'admin',
  uid: 'admin',
  groups: [mastersGroup, 'system:authenticated'],
};

export class Users {
  readonly #known: ReadonlyMap<string, User>;
  readonly #issued = new Map<string, Issued>();
  readonly #clock: Clock;
  readonly #random: Random;

  /** Tokens of users that are known from the start; those of ServiceAccounts are lost with the process. */
  constructor(known: ReadonlyMap<string, User>, clock: Clock, random: Random) {
    this.#known = known;
    this.#clock = clock;
    this.#random = random;
  }

  userOf(token: string): User | undefined {
    const known = this.#known.get(token);
    if (known !== undefined) return known;
    const issued = this.#issued.get(token);
    return issued !== undefined && issued.expiresMs > this.#clock.now() ? issued.user : undefined;
  }

  issue(
    { namespace = '', name, uid }: StoredMetadata,
    lifetimeMs = lifetimeDefaultMs,
  ): { token: string; expires: string } {
    const token = Buffer.from(this.#random.bytes(tokenBytes)).toString('base64url');
    const expiresMs = this.#clock.now() + lifetimeMs;
    const user = { name: serviceAccountName(namespace, name), uid, groups: groupsOfAccount(namespace) };
    this.#issued.set(token, { user, expiresMs });
    const [oldest] = this.#issued.keys();
    if (this.#issued.size > issuedMax && oldest !== undefined) this.#issued.delete(oldest);
    return { token, expires: timestamp(expiresMs) };
  }
}
