/** The process is killed again and again while people commit: in the end the cluster is exactly as Git says. */
import { randomInt } from 'node:crypto';
import { setTimeout as passing } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Dice } from '../conformance/random.ts';
import { useWorld } from '../scenarios/world.ts';
import { Fleet } from './fleet.ts';

const world = useWorld({ arguments: () => ['--poll-interval', '5m'] });
const kills = 12;
const count = 30;
/** So many that what several syncs could not delete is no large part of it, which would wait for a person (F9). */
const fixed = 12;
/** As long as all of their Runs take. */
const momentMsMax = 2_000;

it('kill -9 at random moments of syncs with prune leaves nothing, loses nothing and locks nothing (F1, F2)', async () => {
  const seed = Number(process.env['TRUEUP_TEST_SEED'] ?? randomInt(1_000_000));
  const dice = new Dice(seed);
  const fleet = await Fleet.begin(world, count, fixed);
  const struck: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    // Some commits come while nothing runs, and some of the syncs that a kill cut off are cut off once more.
    const [isBefore, isMeanwhile] = [dice.chance(0.3), dice.chance(0.8)];
    if (isBefore) await fleet.push();
    if (kill > 0) await world.start();
    if (isMeanwhile) {
      await fleet.push();
      await fleet.hint();
    }
    await passing(dice.number(momentMsMax));
    await world.kill();
    struck.push((await fleet.underWay()).size);
  }
  console.info(`kills: TRUEUP_TEST_SEED=${seed}; Units whose Run was cut off, by kill: ${struck.join(' ')}`);
  expect(Math.max(...struck), 'no Run was ever cut off: the moments miss them').toBeGreaterThan(0);
  await fleet.push();
  await world.start();
  // What the last one sent is waited for.
  await fleet.settled(120_000);
  await fleet.lostNothing();
}, 240_000);
