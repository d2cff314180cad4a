/** What drifted and is left as it is, because somebody sets it back each time; and what to do about it. */
import { parsePath } from '#fields/path.ts';
import type { Failure } from '#model/failure.ts';
import type { ObjectRef } from '#model/object.ts';
import type { Contest } from '#model/outcome.ts';
import type { Contested, Step, StepReason } from '#model/plan.ts';
import { ownerPhrase } from '#model/sentences.ts';
import { humanDuration } from '#model/time.ts';
import type { Unit } from '#model/unit.ts';

const fieldsShown = 3;

/**
 * Undefined where the steps of its object are to be taken. What Git has new is applied all the same: then the object has
 * not drifted but changed. So is what somebody deleted, where it was not that which they did again and again.
 */
export function contestedBy(unit: Unit, contest: Contest, steps: readonly Step[]): Contested | undefined {
  const changes = steps.flatMap((step) => step.changes);
  // Where only the ownership of fields is another one, all stands as Git says: it is over.
  if (changes.length === 0 || !steps.every(({ reason }) => healing.includes(reason))) return undefined;
  if (contest.fields.length > 0 && steps.some(({ action }) => action.verb === 'create')) return undefined;
  return { ref: contest.object, changes, failure: suspended(unit, contest) };
}
const healing: readonly StepReason[] = ['drifted', 'migration', 'gate'];

function suspended({ wishes, manager }: Unit, contest: Contest): Failure {
  const { object, by, fields, heals, withinMs } = contest;
  const who = ownerPhrase(by ?? 'unknown');
  const times = `${heals} times within ${humanDuration(withinMs)}`;
  const what = fields.length === 0 ? 'deletes it' : `sets ${listed(fields)} to another value`;
  const rule = ruleFor(contest);
  const leave =
    wishes.ignore === undefined || rule === undefined
      ? 'take it out of Git to leave it to that one'
      : `to leave it to that one, ${wishes.ignore.replace('{rule}', rule)}`;
  return {
    kind: 'blocked',
    code: 'HealingSuspended',
    stage: 'apply',
    message: `${who} ${what} each time that ${manager} has healed it, ${times}; it is not healed any more`,
    hint: `${leave}; or stop it, then: ${wishes.sync}`,
    subject: object,
  };
}

function listed(fields: readonly string[]): string {
  const more = fields.length > fieldsShown ? ` and ${fields.length - fieldsShown} more` : '';
  return `${fields.slice(0, fieldsShown).join(', ')}${more}`;
}

/** As one line of YAML. Undefined where no rule can say it: an item of a list has no pointer that stays. */
function ruleFor({ object, by, fields }: Contest): string | undefined {
  const pointers = fields.map(pointerOf);
  const isPlaced = pointers.length > 0 && pointers.every((pointer) => pointer !== undefined);
  if (isPlaced) return ruleText(object, `jsonPointers: [${pointers.map(scalar).join(', ')}]`);
  if (by === undefined || fields.length === 0) return undefined;
  return ruleText(object, `managedFieldsManagers: [${scalar(by.manager)}]`);
}

function ruleText({ group, kind, namespace, name }: ObjectRef, what: string): string {
  const places = [
    ...(group === '' ? [] : [`group: ${scalar(group)}`]),
    `kind: ${kind}`,
    ...(namespace === '' ? [] : [`namespace: ${scalar(namespace)}`]),
    `name: ${scalar(name)}`,
  ];
  return `{${[...places, what].join(', ')}}`;
}

function pointerOf(path: string): string | undefined {
  const elements = parsePath(path) ?? [];
  const names = elements.flatMap((element) => (element.kind === 'field' ? [element.name] : []));
  if (elements.length === 0 || names.length !== elements.length) return undefined;
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** In quotes where YAML would read something else. */
function scalar(text: string): string {
  return /^[A-Za-z/][A-Za-z0-9/~._-]*$/.test(text) ? text : JSON.stringify(text);
}
