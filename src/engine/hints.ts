/**
 * Hints that replicas pass on to each other: how often each of them was told that something was pushed to a repository.
 * An address may carry a password, so that only its digest is written.
 */
import { digestOf } from '#fields/digest.ts';
import { isObject } from '#model/json.ts';

/** The repositories that were pushed to last are written down, and no others. */
const toldMax = 32;

export class Hints {
  #told: Readonly<Record<string, number>> = {};
  /** What each of the others has told us. */
  readonly #heard = new Map<string, Readonly<Record<string, unknown>>>();

  get told(): Readonly<Record<string, number>> {
    return this.#told;
  }

  add(urls: readonly string[]): void {
    for (const mark of new Set(urls.map(markOf))) {
      const { [mark]: times = 0, ...others } = this.#told;
      this.#told = Object.fromEntries([...Object.entries(others), [mark, times + 1]].slice(-toldMax));
    }
  }

  /** The repositories of which this member tells anew. What a new member tells is from before its time with us. */
  news(member: string, text: string | undefined): ((url: string) => boolean) | undefined {
    const before = this.#heard.get(member);
    const now = parsed(text);
    this.#heard.set(member, now);
    if (before === undefined) return undefined;
    const marks = new Set(Object.keys(now).filter((mark) => now[mark] !== before[mark]));
    return marks.size === 0 ? undefined : (url) => marks.has(markOf(url));
  }

  forget(member: string): void {
    this.#heard.delete(member);
  }
}

const markOf = (url: string): string => digestOf(url).slice('sha256:'.length).slice(0, 16);

/** Anybody may have edited it. */
function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
