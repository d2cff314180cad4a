/** S14: at the end, whatever a replica keeps or tells besides objects and log lines shows no secret either. */
import { refOf } from '#model/object.ts';
import { showsSecret } from './fleet.ts';
import { Violation } from './oracles.ts';
import type { World } from './world.ts';

export function nothingShown({ replicas }: World): void {
  for (const { name, records, metered, engine } of replicas) {
    const resources = engine?.followed().filter(({ kind }) => kind !== 'Secret') ?? [];
    const kept = {
      records: [records.deployed, records.drifted, [...records.marks]],
      metrics: [...metered],
      states: engine?.states() ?? [],
      views: resources.map((resource) => engine?.known(refOf(resource))),
    };
    for (const [what, all] of Object.entries(kept))
      if (showsSecret(JSON.stringify(all)))
        throw new Violation('S14', `the ${what} of ${name} show a secret`);
  }
}
