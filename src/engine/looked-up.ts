/** The answer to one question of a template, kept true by following exactly what was asked for. */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson } from '#model/json.ts';
import { apiVersionOf, keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { ApiResource } from '#model/observed.ts';
import type { Cluster, FollowBatch, Following, LookupAnswer, Sealer, Timers } from '#model/ports.ts';
import { questionText } from '#pipeline/render/lookups.ts';

export interface LookedUpPorts {
  readonly cluster: Cluster;
  readonly sealer: Sealer;
  readonly timers: Timers;
  /** The kind that is asked for, as it is served now; undefined if it is not. */
  readonly resource: () => Promise<Result<ApiResource | undefined>>;
}

const objectsMax = 1000;
const bytesMax = 4 * 1024 * 1024;
const deadlineMs = 30_000;

export class LookedUp {
  readonly #question: ObjectRef;
  readonly #ports: LookedUpPorts;
  readonly #changed: () => void;
  readonly #objects = new Map<string, Manifest>();
  readonly #waiting: ((answer: Result<LookupAnswer>) => void)[] = [];
  #answer: Result<LookupAnswer> | undefined;
  #following: Following | undefined;
  #stopped = false;

  /** `changed`: the answer is another than was given. */
  constructor(question: ObjectRef, ports: LookedUpPorts, changed: () => void) {
    this.#question = question;
    this.#ports = ports;
    this.#changed = changed;
    void this.#begin();
  }

  async answer(): Promise<Result<LookupAnswer>> {
    // What is not followed does not come right by itself.
    const mayBeOther = this.#answer?.ok === false && this.#following === undefined;
    if (this.#answer !== undefined && !mayBeOther) return this.#answer;
    if (mayBeOther) {
      this.#answer = undefined;
      void this.#begin();
    }
    return new Promise((resolve) => {
      const cancel = this.#ports.timers.after(deadlineMs, () => resolve(fail(this.#slow())));
      this.#waiting.push((answer) => {
        cancel();
        resolve(answer);
      });
    });
  }

  /** Kinds came or went: this one may be served now, or no longer. */
  kindsChanged(): void {
    void this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
  }

  #unfollow(): void {
    this.#following?.stop();
    this.#following = undefined;
    this.#objects.clear();
  }

  async #begin(): Promise<void> {
    const served = await this.#ports.resource();
    if (this.#stopped) return;
    if (this.#following !== undefined && !(served.ok && served.value === undefined)) return;
    if (!served.ok) return this.#tell(served);
    const { value: resource } = served;
    if (resource === undefined) this.#unfollow();
    const { namespace, name } = this.#question;
    // As for Helm, a namespaced object is not found without its namespace.
    if (resource === undefined || (resource.namespaced && namespace === '' && name !== ''))
      return this.#tell(ok(this.#answerOf('', false)));
    if (!['list', 'watch'].every((verb) => resource.verbs.includes(verb)))
      return this.#tell(fail(this.#notWatchable()));
    const { group, version, kind, plural } = resource;
    this.#following = this.#ports.cluster.follow(
      {
        kind: { group, version, kind },
        plural,
        ...(resource.namespaced && namespace !== '' ? { namespace } : {}),
        ...(name === '' ? {} : { name }),
        optional: true,
      },
      (batch) => this.#take(batch, resource),
    );
  }

  #take({ synced, changed, gone, failure }: FollowBatch, resource: ApiResource): void {
    if (failure !== undefined) return this.#tell(fail(this.#refused(failure, resource)));
    for (const manifest of changed) this.#objects.set(keyText(refOf(manifest)), withoutManagers(manifest));
    for (const key of gone) this.#objects.delete(keyText(key));
    if (!synced) return;
    if (this.#objects.size > objectsMax) return this.#refuseSize(`${this.#objects.size} objects`);
    const text = this.#text();
    if (text.length > bytesMax) return this.#refuseSize(`${text.length} bytes`);
    const { group, kind } = resource;
    this.#tell(ok(this.#answerOf(text, group === '' && kind === 'Secret')));
  }

  #text(): string {
    const objects = [...this.#objects].toSorted(([one], [other]) => (one < other ? -1 : 1));
    const { name, kind } = this.#question;
    if (name !== '') return objects[0] === undefined ? '' : canonicalJson(objects[0][1]);
    const items = objects.map(([, manifest]) => manifest);
    return canonicalJson({
      apiVersion: apiVersionOf(this.#question),
      kind: `${kind}List`,
      metadata: {},
      items,
    });
  }

  #answerOf(text: string, secret: boolean): LookupAnswer {
    const { sealer } = this.#ports;
    return { text, secret, digest: secret ? sealer.seal(text) : sealer.digest(text) };
  }

  #tell(answer: Result<LookupAnswer>): void {
    const before = this.#answer;
    this.#answer = answer;
    for (const resolve of this.#waiting.splice(0)) resolve(answer);
    if (before !== undefined && textOf(before) !== textOf(answer)) this.#changed();
  }

  /** Nothing of it is kept, and it is asked again when a turn needs it. */
  #refuseSize(size: string): void {
    this.#unfollow();
    this.#tell(
      fail({
        kind: 'terminal',
        code: 'LookupTooLarge',
        stage: 'render',
        message: `The chart looks up ${questionText(this.#question)}: ${size}; at most ${objectsMax} objects and ${bytesMax} bytes are looked up.`,
        hint: 'look up the objects by their names, or in one namespace',
      }),
    );
  }

  #refused(failure: Failure, { group, plural, namespaced }: ApiResource): Failure {
    if (failure.kind !== 'denied') return failure;
    const { namespace, name } = this.#question;
    const resource = group === '' ? plural : `${plural}.${group}`;
    const role = namespaced && namespace !== '' ? `a Role in namespace ${namespace}` : 'a ClusterRole';
    const only = name === '' ? '' : ` (resourceNames: ${name})`;
    return {
      kind: 'blocked',
      code: 'LookupForbidden',
      stage: 'render',
      message: `The chart looks up ${questionText(this.#question)}, and ${failure.message}.`,
      hint: `grant the verbs list and watch on ${resource}${only} with ${role} and its binding`,
      ...(name === '' ? {} : { subject: this.#question }),
    };
  }

  #notWatchable(): Failure {
    return {
      kind: 'blocked',
      code: 'KindNotListable',
      stage: 'render',
      message: `The chart looks up ${questionText(this.#question)}, and the cluster cannot list and watch that kind: nobody would tell when it changes.`,
      hint: 'give the chart what it needs as a value',
    };
  }

  #slow(): Failure {
    return {
      kind: 'transient',
      code: 'ObservationIncomplete',
      stage: 'render',
      message: `The cluster has not yet said what there is of ${questionText(this.#question)}.`,
      hint: 'it is looked at again by itself',
    };
  }
}

/** managedFields are bookkeeping that changes with every write. */
function withoutManagers(manifest: Manifest): Manifest {
  const { managedFields: _, ...metadata } = manifest.metadata;
  return { ...manifest, metadata: metadata as Manifest['metadata'] };
}

function textOf(answer: Result<LookupAnswer>): string {
  return answer.ok ? answer.value.digest : `${answer.failure.code} ${answer.failure.message}`;
}
