/** Which addresses a host name stands for: the guard of S10 looks at these, not at the name alone. */
import { lookup } from 'node:dns/promises';

/** Empty when the name cannot be resolved: whoever connects then reports that in its own words. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map((entry) => entry.address);
  } catch {
    return [];
  }
}
