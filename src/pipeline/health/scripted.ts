/** Health checks in Lua, as `argocd-cm` has them. */
import { digestOf } from '#fields/digest.ts';
import { jsonText, isObject, type JsonObject } from '#model/json.ts';
import type { Health, ObjectHealth } from '#model/observed.ts';
import type { Manifest } from '#model/object.ts';
import type { Cancel, Clock, Timers } from '#model/ports.ts';
import type { Customizations, Interpreter, LuaScript, ScriptFailure } from '#model/scripts.ts';
import { kindName } from './known-kind.ts';
import { matchesGlob } from '#model/glob.ts';
import { sentence, type Judgement } from './reading.ts';

export interface ScriptedHealthPorts {
  readonly interpreter: Interpreter;
  readonly clock: Clock;
  readonly timers: Timers;
}
/** Tells of kinds whose objects may be judged otherwise now, though they did not change. */
export type OtherListener = (
  concerns: (kind: { readonly group: string; readonly kind: string }) => boolean,
) => void;

/** A script that had to be stopped costs its second again at most so often, and less and less so. */
const restFirstMs = 60_000;
const restMaxMs = 600_000;
/** What stopped a script so often for one object stays its verdict until one of the two changes. */
const stopsMax = 3;
const verdictsMax = 10_000;

interface Resting {
  stops: number;
  untilMs: number;
}

export class ScriptedHealth {
  readonly #ports: ScriptedHealthPorts;
  #checks: Customizations['health'] = [];
  /** By the digests of script and object, so that what did not change is not judged again. */
  readonly #verdicts = new Map<string, Judgement>();
  readonly #stops = new Map<string, number>();
  readonly #resting = new Map<string, Resting>();
  readonly #timers = new Set<Cancel>();
  readonly #listeners: OtherListener[] = [];

  constructor(ports: ScriptedHealthPorts) {
    this.#ports = ports;
  }

  /** From now on these checks hold; whoever listens is told of the kinds that concerns. */
  use(checks: Customizations['health']): void {
    const before = this.#checks;
    const texts = (list: Customizations['health']): ReadonlySet<string> =>
      new Set(list.map((check) => jsonText(check)));
    const [old, fresh] = [texts(before), texts(checks)];
    const changed = [
      ...before.filter((check) => !fresh.has(jsonText(check))),
      ...checks.filter((check) => !old.has(jsonText(check))),
    ].map(({ of }) => of);
    if (changed.length === 0) return;
    this.#checks = checks;
    if (checks.length > 0) this.#ports.interpreter.prepare();
    this.#tell(changed);
  }

  /** Nothing is tried again. */
  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  onOther(listener: OtherListener): void {
    this.#listeners.push(listener);
  }

  judge(manifest: Manifest): Judgement | undefined {
    if (this.#checks.length === 0) return undefined;
    const name = kindName(manifest);
    const check = this.#checks.find(({ of }) => matchesGlob(of, name));
    if (check === undefined) return undefined;
    return this.#judgement(check.of, check.script, manifest);
  }

  #judgement(of: string, script: LuaScript, manifest: Manifest): Judgement {
    const rule = `the Lua check of ${script.place}`;
    const object = asSeen(manifest);
    const own = scriptKey(script);
    const key = `${own} ${digestOf(jsonText(object))}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const resting = this.#resting.get(own);
    if (resting !== undefined && this.#ports.clock.monotonic() < resting.untilMs)
      return {
        health: unknown(
          `The Lua check had to be stopped, and rests before it is tried again (${script.place})`,
        ),
        rule,
      };
    const answer = this.#ports.interpreter.lua({ script: script.text, openLibs: script.openLibs, object });
    if (answer.ok) {
      this.#resting.delete(own);
      const { result, printed } = answer.value;
      const health = verdictOf(result, script, kindName(manifest));
      return this.#keep(key, { health, rule, ...(printed === undefined ? {} : { printed }) });
    }
    const verdict: Judgement = { health: unknown(failureText(answer.failure, script)), rule };
    if (answer.failure.stopped !== true) return this.#keep(key, verdict);
    this.#rest(of, own);
    const stops = (this.#stops.get(key) ?? 0) + 1;
    this.#stops.set(key, stops);
    return stops < stopsMax ? verdict : this.#keep(key, verdict);
  }

  #keep(key: string, verdict: Judgement): Judgement {
    if (this.#verdicts.size >= verdictsMax) {
      this.#verdicts.clear();
      this.#stops.clear();
    }
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  /** It may have been a moment without processor time: all that it judges is looked at again later. */
  #rest(of: string, script: string): void {
    const { clock, timers } = this.#ports;
    const stops = (this.#resting.get(script)?.stops ?? 0) + 1;
    const restMs = Math.min(restFirstMs * 2 ** (stops - 1), restMaxMs);
    this.#resting.set(script, { stops, untilMs: clock.monotonic() + restMs });
    const cancel = timers.after(restMs, () => {
      this.#timers.delete(cancel);
      this.#tell([of]);
    });
    this.#timers.add(cancel);
  }

  #tell(changed: readonly string[]): void {
    for (const listener of this.#listeners)
      listener(({ group, kind }) => {
        const name = group === '' ? kind : `${group}/${kind}`;
        return changed.some((of) => matchesGlob(of, name));
      });
  }
}

/** Who wrote which field when is left out: it changes with every heartbeat, and no check asks for it. */
function asSeen({ metadata, ...rest }: Manifest): JsonObject {
  const { managedFields: _, resourceVersion: __, ...kept } = metadata;
  return { ...rest, metadata: kept } as JsonObject;
}

function scriptKey({ place, text, openLibs }: LuaScript): string {
  return digestOf(`${place} ${openLibs} ${text}`);
}

const statuses: ReadonlySet<string> = new Set<Health>([
  'Healthy',
  'Suspended',
  'Progressing',
  'Missing',
  'Degraded',
  'Unknown',
]);

function verdictOf(result: unknown, { place }: LuaScript, kind: string): ObjectHealth {
  // A check that says nothing does not count in Argo CD either.
  if (result === undefined || (Array.isArray(result) && result.length === 0))
    return { ...unknown(`The Lua check returned nothing (${place})`), counts: false };
  const { status, message } = isObject(result) ? result : {};
  if (typeof status !== 'string' || !statuses.has(status))
    return unknown(`The Lua check returned the status ${jsonText(status ?? null)}, which is none (${place})`);
  const said = typeof message === 'string' && message.trim() !== '' ? sentence(message) : undefined;
  if (status === 'Healthy') return { status, ...(said === undefined ? {} : { message: said }) };
  const verdict = { status: status as Health, message: said ?? `The Lua check says ${status} (${place}).` };
  // An Application that knows nothing of itself says nothing about its parent.
  const isSilent = kind === 'argoproj.io/Application' && (status === 'Missing' || status === 'Unknown');
  return isSilent ? { ...verdict, counts: false } : verdict;
}

/** `argocd-cm, resource.customizations.health.x_Y, line 3: attempt to index a nil value` */
function failureText({ message, line }: ScriptFailure, { place }: LuaScript): string {
  return `The Lua check failed: ${place}${line === undefined ? '' : `, line ${line}`}: ${message}`;
}

function unknown(message: string): ObjectHealth {
  return { status: 'Unknown', message: sentence(message) };
}
