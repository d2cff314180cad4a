/** `trueup history`: what was deployed, and what drifted and was healed. */
import { isObject } from '#model/json.ts';
import type { HistoryEntry, UnitState } from '#model/outcome.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import { decodeUnitState, unitStateRef } from '#pipeline/record/unit-state-codec.ts';
import { orEnd, table, type CommandPorts } from './command.ts';
import { openResource, type ResourceOptions } from './resources.ts';
import type { Cluster } from '#model/ports.ts';
import { refOf, type Manifest } from '#model/object.ts';

export interface HistoryOptions extends ResourceOptions {
  readonly output: 'table' | 'json';
}

export async function historyCommand(
  words: readonly string[],
  options: HistoryOptions,
  ports: CommandPorts,
): Promise<void> {
  const { cluster, ref, resource } = await openResource(words, options, ports);
  const state = await readState(cluster, resource);
  const history = state?.history ?? [];
  if (options.output === 'json') {
    ports.out(`${JSON.stringify(history, null, 2)}\n`);
    return;
  }
  const rows = history.map((entry) =>
    entry.kind === 'sync'
      ? [
          String(entry.id),
          timestamp(entry.atMs),
          entry.result === 'succeeded' ? 'sync' : 'failed',
          entry.revisions[0]?.label ?? '',
          humanDuration(entry.durationMs),
          entry.by,
          `${entry.message}${approvedText(entry)}${stableText(entry)}`,
        ]
      : [
          String(entry.id),
          timestamp(entry.atMs),
          entry.healed ? 'healed' : 'drift',
          '',
          humanDuration(entry.durationMs),
          '',
          entry.sentence,
        ],
  );
  if (rows.length === 0) ports.say(`${ref.name} has no history yet\n`);
  else ports.out(table([['ID', 'TIME', 'WHAT', 'REVISION', 'TOOK', 'BY', 'MESSAGE'], ...rows]));
}

type SyncEntry = Extract<HistoryEntry, { kind: 'sync' }>;

function approvedText({ approved }: SyncEntry): string {
  if (approved === undefined) return '';
  return `; approved by ${approved.by}${approved.atMs === undefined ? '' : ` at ${timestamp(approved.atMs)}`}`;
}

/** What a rollback cost: from the commit being seen to everything being Synced and Healthy. */
export function stableText({ revert }: SyncEntry): string {
  if (revert === undefined) return '';
  if (revert.stableAtMs === undefined) return '; a revert, not yet stable';
  return `; a revert, stable ${humanDuration(revert.stableAtMs - revert.seenAtMs)} after it was seen`;
}

/** The last revert that was deployed, and what it cost; undefined where there was none. */
export async function lastRollback(cluster: Cluster, resource: Manifest): Promise<string | undefined> {
  const history = (await readState(cluster, resource))?.history ?? [];
  const last = history.findLast((entry) => entry.kind === 'sync' && entry.revert !== undefined);
  if (last?.kind !== 'sync') return undefined;
  return `${last.revisions[0]?.label ?? ''} at ${timestamp(last.atMs)}${stableText(last)}`;
}

/** The recorded state of the Unit that a resource declares; undefined where there is none. */
export async function readState(cluster: Cluster, resource: Manifest): Promise<UnitState | undefined> {
  const ref = unitStateRef(refOf(resource), String(resource.metadata['uid']));
  const head = orEnd(await cluster.read(ref));
  if (!isObject(head)) return undefined;
  const shards = new Map<string, Manifest>();
  for (const name of (head['shards'] ?? []) as readonly string[]) {
    const shard = orEnd(await cluster.read({ ...ref, name }));
    if (shard !== undefined) shards.set(name, shard);
  }
  return decodeUnitState(head as Manifest, (name) => shards.get(name));
}
