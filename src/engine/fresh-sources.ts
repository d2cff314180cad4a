/** That what is decided now is decided from what Git says now, where it has to be. */
import type { UnitState } from '#model/outcome.ts';
import { polledSources, type UnitRuntime } from './runtime.ts';
import type { TurnPorts } from './turn-ports.ts';

export async function freshSources(
  runtime: UnitRuntime,
  state: UnitState,
  { sources, sinceMs }: TurnPorts,
): Promise<void> {
  // What is wished while Git is waited for is the next turn's to answer.
  const { refresh, request } = runtime.unit;
  for (const source of polledSources(runtime, state.read)) {
    // Who asks for a sync now means what Git says now.
    if (refresh === undefined && request === undefined) await sources.ready(source, sinceMs);
    else await sources.hint(source.url);
  }
  const wish =
    refresh === undefined && request === undefined ? undefined : JSON.stringify([refresh, request]);
  // Who asks has it healed again, as often as before; once, however long it stands.
  if (wish !== undefined && wish !== runtime.wish) runtime.heals.clear();
  runtime.wish = wish;
  if (refresh !== undefined) runtime.answered = { ...runtime.answered, refresh: true };
}
