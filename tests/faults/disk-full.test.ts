/** The data directory is on a volume that fills up in the middle of syncs, while the whole process runs (F17). */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tryMount } from '../programs.ts';
import { runToEnd, trueupProgram } from '../scenarios/trueup-process.ts';
import { applicationKind, useWorld, waitFor, type Place } from '../scenarios/world.ts';
import { Fleet } from './fleet.ts';

const world = useWorld({ stopped: true, arguments: () => ['--poll-interval', '10s'] });
const count = 12;
const volumeMb = 24;
const sqliteFull = 13;

let isMounted = false;
const volume = (): string => join(world.directory, 'data');
const ballast = (): string => join(volume(), 'ballast');
beforeAll(async () => {
  await mkdir(volume());
  isMounted = tryMount(volume(), `${volumeMb}m`);
});
afterAll(async () => {
  await world.stop();
  if (isMounted) execFileSync('umount', [volume()]);
});

/** To the last byte. */
function fill(): void {
  const file = openSync(ballast(), 'a');
  try {
    for (const size of [1 << 20, 4096, 1]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) === size);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    }
  } finally {
    closeSync(file);
  }
}

/**
 * What was written before leaves room within the file that is written first: without it the next record needs more.
 * Where the volume is too full to move that over, it stays, and what is written next comes behind it: that needs more too.
 */
function takeBackRoom(): void {
  const records = new DatabaseSync(join(volume(), 'records.db'));
  try {
    records.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    expect(error).toMatchObject({ errcode: sqliteFull });
  } finally {
    records.close();
  }
}

interface Deployed {
  readonly owner: { readonly name: string };
  readonly revisions: readonly { readonly commit: string }[];
}
/** What the records and what the Applications themselves say was deployed: NAME@COMMIT, sorted. */
async function deployed(): Promise<{
  readonly recorded: readonly string[];
  readonly said: readonly string[];
}> {
  const place = ['--server', world.origin, '--data-dir', volume(), '-n', world.controlNamespace];
  const report = ['report', '--events', '--no-objects', '-o', 'json', ...place];
  const { code, stdout, stderr } = await runToEnd(trueupProgram, report);
  expect(code, stderr).toBe(0);
  const { events } = JSON.parse(stdout) as { readonly events: { readonly deployments: readonly Deployed[] } };
  const applications = await world.api.list(applicationKind, world.controlNamespace);
  return {
    recorded: events.deployments
      .map(({ owner, revisions }) => `${owner.name}@${revisions[0]?.commit}`)
      .toSorted(),
    said: applications
      .flatMap(({ metadata, status }) =>
        ((status?.history ?? []) as readonly { readonly revision: string }[]).map(
          ({ revision }) => `${metadata.name}@${revision}`,
        ),
      )
      .toSorted(),
  };
}
it('full in the middle of syncs: said, nothing lost, also over a kill, and gone on from when there is room (F17)', async (context) => {
  if (!isMounted) return context.skip();
  await world.start();
  const fleet = await Fleet.begin(world, count);
  const fullDisk = async (late: Place): Promise<void> => {
    await late.condition(/records\.db cannot be written: .*full.*\(make room .*RecordsUnwritable/);
    await waitFor('the fleet to say so', async () =>
      (await fleet.applications()).every(({ status }) =>
        /GitStoreFull/.test(JSON.stringify(status?.conditions)),
      ),
    );
  };

  await fleet.push();
  await fleet.hint();
  await waitFor('the first objects', async () => (await fleet.arrived()) >= 1);
  // Where all of it is recorded by now there is more to record; and what else ends makes room again.
  let edits = 0;
  await waitFor(
    'the log to say so',
    async () => {
      takeBackRoom();
      fill();
      edits += 1;
      const edited = { data: { value: `edited ${edits}` } };
      // Another one each time: of one that is edited again and again healing is suspended.
      await world.api.patch('v1/ConfigMap', fleet.place.namespace, `unit-${edits % count}`, edited);
      return /records.db cannot be written/.test(await world.log());
    },
    { timeoutMs: 90_000 },
  );

  // What is in Git from now on cannot be fetched, and what was fetched is not begun: no history would be kept of it.
  await fleet.push();
  await fleet.hint();
  const late = await world.place({ shared: fleet.place });
  const source = { repoURL: fleet.place.repository.url, path: 'unit-0', targetRevision: 'main' };
  await late.createApplication({ spec: { source } });
  await fullDisk(late);
  expect(await late.get('v1/ConfigMap', 'unit-0')).toBeUndefined();
  await world.kill();
  await world.start();
  await fleet.hint();
  await fullDisk(late);
  // What is applied stays, and whoever asks is answered.
  expect((await fleet.live()).size).toBeGreaterThanOrEqual(3 * count);
  expect((await fetch(`${world.origin}/readyz`)).status).toBe(200);
  expect(existsSync(ballast())).toBe(true);

  rmSync(ballast());
  await fleet.settled(130_000);
  await late.synced();
  await fleet.lostNothing();
  // Of the process that was killed, too.
  await waitFor(
    'the records to have every deployment',
    async () => {
      const { recorded, said } = await deployed();
      return recorded.join() === said.join();
    },
    { timeoutMs: 60_000, seen: deployed },
  );
}, 240_000);
