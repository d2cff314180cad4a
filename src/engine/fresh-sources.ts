/** That what is decided now is decided from what Git says now, where it has to be. */
import type { UnitState } from '#model/outcome.ts';
import { polledSources, type UnitRuntime } from './runtime.ts';
import type { TurnPorts } from './turn-ports.ts';

export async function freshSources(
  runtime: UnitRuntime,
  state: UnitState,
  { sources, sinceMs }: TurnPorts,
): Promise<void> {
  for (const source of polledSources(runtime, state.read)) {
    const { refresh, request } = runtime.unit;
    // Who asks for a sync now means what Git says now.
    if (refresh === undefined && request === undefined) await sources.ready(source, sinceMs);
    else await sources.hint(source.url);
  }
  // Who asks has it healed again, as often as before.
  if (runtime.unit.refresh !== undefined || runtime.unit.request !== undefined) runtime.heals.clear();
  if (runtime.unit.refresh !== undefined) runtime.answered = { ...runtime.answered, refresh: true };
}
