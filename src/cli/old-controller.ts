/** Whether another controller works on a resource now, and how it is stopped (F29). */
import { occupied } from '#engine/standing.ts';
import type { Manifest } from '#model/object.ts';
import { CommandEnd, type CommandPorts } from './command.ts';
import type { Declarations } from './declarations.ts';
import { exitCodes } from './exit-codes.ts';

/** Two controllers would undo each other. */
export function refuseWhileOldControllerRuns(
  resource: Manifest,
  declarations: Declarations,
  ports: Pick<CommandPorts, 'clock'>,
): void {
  const { predecessor, wishes } = declarations.unitOf(resource);
  if (predecessor === undefined) return;
  const stands = occupied(predecessor, wishes.sync, ports.clock.now());
  if (stands.mayAct) return;
  const { running } = predecessor;
  const [, kind = '', namespace = '', name = ''] = /^(\w+) (\S+)\/(\S+)$/.exec(running ?? '') ?? [];
  const how =
    running === undefined
      ? stands.why
      : `another controller runs (${running}); stop it first: kubectl -n ${namespace} scale ${kind.toLowerCase()}/${name} --replicas=0`;
  throw new CommandEnd(exitCodes.failed, how);
}
