/** The only place where a scenario lets time pass. */

const pollMs = 100;

/**
 * Asks until the answer is something other than undefined, null or false, and returns it. An answer that throws
 * counts as "not yet". When the deadline passes, the error says what was waited for and what was seen last.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T> | T,
  { timeoutMs = 30_000, seen }: { readonly timeoutMs?: number; readonly seen?: () => Promise<unknown> } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      last = await ask();
      if (last !== undefined && last !== null && last !== false)
        return last as Exclude<T, undefined | null | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) {
      const detail = seen === undefined ? last : await seen().catch((error: unknown) => error);
      throw new Error(`waited ${timeoutMs / 1000} s for ${what}; seen last: ${shown(detail)}`, {
        cause: last instanceof Error ? last : undefined,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function shown(value: unknown): string {
  if (value instanceof Error) return value.message;
  return (JSON.stringify(value, undefined, 1) ?? 'nothing').slice(0, 4000);
}
