/**
 * Everyday kubectl against the embedded cluster and a real control plane: what is printed and the exit codes are the
 * same, for kubectl of the version that is spoken and for an older one. The commands, in their order, are in
 * kubectl/commands.ts.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildControlPlane, startControlPlane, type ControlPlane } from '../cluster/control-plane.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { commands } from './kubectl/commands.ts';
import { compare } from './kubectl/comparison.ts';
import { knownDifferences } from './kubectl/known-differences.ts';
import { openShell, type Shell } from './kubectl/shell.ts';

const own = join(dirname(await buildControlPlane()), 'kubectl');
const older = { wanted: '1.32', path: 'kubectl' };
const olderVersion = await versionOf(older.path);
const isOlderThere = olderVersion.startsWith(`v${older.wanted}.`);
if (!isOlderThere)
  console.log(`kubectl: ${older.wanted} is left out; the one on the PATH is ${olderVersion || 'not there'}`);

let real: ControlPlane;
let embedded: EmbeddedCluster;

beforeAll(async () => {
  // Its own, with one node: what other tests do would be listed as well.
  real = await startControlPlane({ flags: ['-nodes=1'] });
  embedded = await startEmbeddedCluster();
}, 600_000);

afterAll(async () => {
  await embedded?.stop();
  await real?.stop();
});

const ownVersion = await versionOf(own);
describe(`kubectl ${ownVersion}`, () => everydayCommands(own, ownVersion));
describe.runIf(isOlderThere)(`kubectl ${olderVersion}`, () => everydayCommands(older.path, olderVersion));

/** One test a command; each goes on from what those before it did. */
function everydayCommands(kubectl: string, version: string): void {
  let shells: readonly [Shell, Shell];
  let agreed = 0;
  beforeAll(async () => {
    shells = [await openShell(real.kubeconfig, kubectl), await openShell(embedded.kubeconfig, kubectl)];
  });
  afterAll(async () => {
    console.log(`kubectl: ${agreed} of ${commands.length} commands agreed`);
    for (const shell of shells ?? []) await shell.close();
  });
  for (const [index, command] of commands.entries()) {
    const known = knownDifferences.find(
      ({ lines, kubectl: only = '' }) => lines.includes(command.line) && version.startsWith(only),
    );
    const title = `${index + 1}. ${command.line}`;
    it(known === undefined ? title : `${title} (differs: ${known.because})`, async () => {
      const { was, is, agree } = await compare(command, shells[0], shells[1], known !== undefined);
      if (agree) agreed += 1;
      if (known !== undefined) expect(agree, 'a known difference that is none any more').toBe(false);
      else if (!agree) expect(is).toBe(was);
    });
  }
}

async function versionOf(kubectl: string): Promise<string> {
  const asked = promisify(execFile)(kubectl, ['version', '--client', '-o', 'json']);
  const { stdout } = await asked.catch(() => ({ stdout: '{}' }));
  const { clientVersion } = JSON.parse(stdout) as {
    readonly clientVersion?: { readonly gitVersion?: string };
  };
  return clientVersion?.gitVersion ?? '';
}
