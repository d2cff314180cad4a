/** Lists in pages: the pages of one list show one moment, as long as the rest of it is kept. */
import type { Stored } from './objects.ts';
import { expired } from './status.ts';

/** Lists that somebody is in the middle of; the oldest goes when there are more. */
const listsMax = 16;

interface Rest {
  readonly objects: readonly Stored[];
  readonly version: number;
  /** What was listed: a token is good for that only, whoever guesses it. */
  readonly scope: string;
}
export interface PageRequest {
  readonly limit: number;
  /** Empty for the first page. */
  readonly token: string;
  readonly scope: string;
  readonly version: number;
  /** How many are left is said only where everything is listed. */
  readonly isSelective: boolean;
}

export class Pages {
  readonly #rests = new Map<string, Rest>();
  #count = 0;

  page(
    { limit, token, scope, version, isSelective }: PageRequest,
    list: () => readonly Stored[],
  ): { readonly objects: readonly Stored[]; readonly metadata: object } {
    const whole = token === '' ? { objects: list(), version } : this.#take(token, scope);
    const isPaged = limit > 0 && whole.objects.length > limit;
    if (!isPaged) return { objects: whole.objects, metadata: { resourceVersion: String(whole.version) } };
    const rest = whole.objects.slice(limit);
    return {
      objects: whole.objects.slice(0, limit),
      metadata: {
        resourceVersion: String(whole.version),
        continue: this.#keep({ objects: rest, version: whole.version, scope }),
        ...(isSelective ? {} : { remainingItemCount: rest.length }),
      },
    };
  }

  #keep(rest: Rest): string {
    this.#count += 1;
    const token = Buffer.from(JSON.stringify({ rv: rest.version, page: this.#count })).toString('base64url');
    this.#rests.set(token, rest);
    const [oldest] = this.#rests.keys();
    if (this.#rests.size > listsMax && oldest !== undefined) this.#rests.delete(oldest);
    return token;
  }

  #take(token: string, scope: string): Rest {
    const rest = this.#rests.get(token);
    if (rest === undefined || rest.scope !== scope)
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    return rest;
  }
}
