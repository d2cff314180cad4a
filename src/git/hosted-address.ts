/**
 * How manifests name the repositories that Trueup serves itself. The port of the server may be another at the next
 * start, and what is in Git must hold all the same: a name that leads nowhere else stands for them (RFC 6761 keeps
 * names under `localhost` on the machine), and a mirror reads them from the disk.
 */
import { pathToFileURL } from 'node:url';
import { sameRepository, type Mirror } from './url.ts';

export const hostedPrefix = 'https://git.trueup.localhost/';

/** `dir` is where they stand. */
export function hostedMirror(dir: string): Mirror {
  return { from: hostedPrefix, to: `${pathToFileURL(dir).href}/` };
}

/** Whether a source means the repository NAME, by that name or by the address of the server that listens on `port`. */
export function meansHosted(url: string, name: string, port: number): boolean {
  return [
    hostedPrefix,
    ...['127.0.0.1', 'localhost', '[::1]'].flatMap((host) =>
      ['http', 'https'].map((scheme) => `${scheme}://${host}:${port}/git/`),
    ),
  ].some((prefix) => sameRepository(url, `${prefix}${name}.git`));
}
