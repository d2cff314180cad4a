/** Following one resource until it is as somebody wants it. */
import { isObject } from '#model/json.ts';
import { describe, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Cluster } from '#model/ports.ts';
import { conditionsOf, standingOf } from './applications.ts';
import { CommandEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { isFlux, resourceStanding } from './resources.ts';

export interface Followed {
  readonly cluster: Cluster;
  readonly ref: ObjectRef;
  readonly plural: string;
}

/** One line on standard error for each change on the way. */
export async function waitUntil(
  { cluster, ref, plural }: Followed,
  timeoutMs: number,
  ports: CommandPorts,
  isDone: (now: Manifest) => boolean,
): Promise<Manifest> {
  let last: Manifest | undefined;
  // How it stood before is no progress.
  let lastLine: string | undefined;
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      following.stop();
      cancel();
      settle();
    };
    const cancel = ports.timers.after(timeoutMs, () => end(() => reject(timedOut(ref, timeoutMs, last))));
    const selection = { kind: ref, plural, namespace: ref.namespace, optional: false };
    const following = cluster.follow(selection, ({ changed, gone }) => {
      if (gone.some(({ name }) => name === ref.name)) {
        end(() => reject(new CommandEnd(exitCodes.failed, `${describe(ref)} was deleted`)));
      }
      for (const now of changed) {
        if (now.metadata.name !== ref.name || !isObject(now)) continue;
        last = now as Manifest;
        const line = progressLine(last);
        if (lastLine !== undefined && line !== lastLine) ports.say(`${line}\n`);
        lastLine = line;
        const found = last;
        if (isDone(found)) end(() => resolve(found));
      }
    });
  });
}

function progressLine(resource: Manifest): string {
  if (isFlux(refOf(resource))) {
    const { ready, message } = resourceStanding(resource);
    return `Ready ${ready}${message === '' ? '' : `: ${message}`}`;
  }
  const { sync, health, phase, message } = standingOf(resource);
  const operation = phase === '' ? '' : `; operation ${phase}: ${message}`;
  return `${sync}, ${health}${operation}`;
}

function timedOut(ref: ObjectRef, timeoutMs: number, last: Manifest | undefined): CommandEnd {
  const now = last === undefined ? 'nothing was seen of it' : progressLine(last);
  const [condition] = last === undefined || isFlux(ref) ? [] : conditionsOf(last);
  const why = condition === undefined ? '' : `; ${condition.type}: ${condition.message}`;
  return new CommandEnd(
    exitCodes.unhealthy,
    `${ref.name}: not so within ${timeoutMs / 1000} s: ${now}${why}`,
  );
}
