/** Git's processes that a Trueup started, as Linux tells of them. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** The numbers of those with this subcommand that work in the local copy of this repository. */
export async function gitProcesses(
  parent: number,
  subcommand: string,
  url: string,
): Promise<readonly number[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    numbers.map(async (number) => {
      try {
        const at = `/proc/${number}`;
        const [, fields = ''] = /\) \S (.*)/.exec(await readFile(`${at}/stat`, 'utf8')) ?? [];
        if (Number(fields.split(' ')[0]) !== parent) return [];
        const [, given] = (await readFile(`${at}/cmdline`, 'utf8')).split('\0');
        const isOurs = given === subcommand && (await isCopyOf(await readlink(`${at}/cwd`), url));
        return isOurs ? [Number(number)] : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    }),
  );
  return found.flat();
}

async function isCopyOf(gitDir: string, url: string): Promise<boolean> {
  const note = JSON.parse(await readFile(`${gitDir}/trueup.json`, 'utf8')) as { readonly url: string };
  return note.url === url;
}
