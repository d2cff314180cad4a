/** `$NAME/path` in the values of a chart: a file of another input of the same Unit, at the place where it is mounted. */
import { posix } from 'node:path';
import type { Remotes } from '#model/ports.ts';
import type { RemoteSource } from '#model/rendered.ts';
import type { HelmValues } from '#model/unit.ts';
import { mountOf } from './mounts.ts';

export interface Placed {
  readonly values: HelmValues;
  /** The inputs that are named. */
  readonly named: readonly RemoteSource[];
}

export function placed(values: HelmValues, { named }: Pick<Remotes, 'named'>): Placed {
  const used = new Set<RemoteSource>();
  const place = (file: string): string => {
    const [name = '', ...path] = file.split('/');
    const input = named.find(({ ref }) => ref === name);
    if (input === undefined) return file;
    used.add(input);
    // What begins at the root of a repository does not lead out of it.
    return `/${mountOf(input)}${posix.join('/', ...path)}`;
  };
  const { files, setFile } = values;
  return {
    values: {
      ...values,
      ...(files === undefined ? {} : { files: files.map(place) }),
      ...(setFile === undefined
        ? {}
        : { setFile: setFile.map(({ name, path }) => ({ name, path: place(path) })) }),
    },
    named: [...used],
  };
}
