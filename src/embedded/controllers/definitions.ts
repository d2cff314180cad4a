/** Accepts the names of a CustomResourceDefinition, and deletes its objects before it goes. */
import { cleanupFinalizer } from '../api.ts';
import type { Change } from '../store.ts';
import { isDeleting, itself, type Client } from './client.ts';
import { conditionOf, isTrue, withCondition, type Conditions } from './conditions.ts';
import { definitions, type Condition, type Definition } from './kinds.ts';
import type { Controller } from './runner.ts';
import { dropFinalizer } from './storage.ts';

const storedIn = ({ spec }: Definition): string => `${spec.group}/${spec.names.plural}`;

export class Definitions implements Controller {
  readonly name = 'definitions';
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  concerns(change: Change): readonly string[] {
    if (change.resource === definitions.key) return itself(definitions)(change);
    if (change.type !== 'DELETED') return [];
    const [group, plural] = change.resource.split('/');
    const found = this.#client.get(definitions, '', `${plural}.${group}`);
    return found !== undefined && isDeleting(found) ? [`/${found.metadata.name}`] : [];
  }

  sync(key: string): void {
    const definition = this.#client.at(definitions, key);
    if (definition === undefined) return;
    if (isDeleting(definition)) this.#clean(definition);
    else this.#establish(definition);
  }

  #establish(definition: Definition): void {
    const { group, names } = definition.spec;
    const rival = this.#client
      .list(definitions)
      .find(
        ({ metadata, spec, status }) =>
          metadata.name !== definition.metadata.name &&
          spec.group === group &&
          spec.names.kind === names.kind &&
          isTrue(status.conditions, 'NamesAccepted'),
      );
    const isAccepted = rival === undefined;
    let conditions: Conditions = definition.status.conditions ?? [];
    const set = (condition: Condition): void => void (conditions = this.#with(conditions, condition));
    set(
      isAccepted
        ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
        : {
            type: 'NamesAccepted',
            status: 'False',
            reason: 'KindConflict',
            message: `"${names.kind}" is already in use`,
          },
    );
    if (isAccepted)
      set({
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      });
    else if (!isTrue(conditions, 'Established'))
      set({
        type: 'Established',
        status: 'False',
        reason: 'NotAccepted',
        message: 'not all names are accepted',
      });
    this.#client.setStatus(definitions, definition, {
      ...definition.status,
      conditions,
      ...(isAccepted ? { acceptedNames: names } : {}),
    });
  }

  #clean(definition: Definition): void {
    if (definition.metadata.finalizers?.includes(cleanupFinalizer) !== true) return;
    const resource = storedIn(definition);
    for (const object of this.#client.store.list(resource))
      if (!isDeleting(object)) this.#client.delete(resource, object, { propagation: 'Background' });
    const left = this.#client.store.count(resource);
    const condition: Condition =
      left > 0
        ? {
            type: 'Terminating',
            status: 'True',
            reason: 'InstanceDeletionInProgress',
            message: 'CustomResource deletion is in progress',
          }
        : {
            type: 'Terminating',
            status: 'False',
            reason: 'InstanceDeletionCompleted',
            message: 'removed all instances',
          };
    const conditions = this.#with(definition.status.conditions ?? [], condition);
    const reported = this.#client.setStatus(definitions, definition, { ...definition.status, conditions });
    if (left === 0) dropFinalizer(this.#client, definitions, reported, cleanupFinalizer);
  }

  #with(conditions: Conditions, condition: Condition): Conditions {
    const before = conditionOf(conditions, condition.type);
    if (before?.status === condition.status && before.reason === condition.reason) return conditions;
    return withCondition(conditions, { ...condition, lastTransitionTime: this.#client.now });
  }
}
