/** How plans, changes and their makers are put in words: the same in conditions, events, history and terminals. */
import { jsonText, type Json } from './json.ts';
import { describe } from './object.ts';
import type { FieldChange, FieldOwner } from './observed.ts';
import type { Plan, Step } from './plan.ts';
import type { Phase } from './unit.ts';

const changesShown = 3;
const valueLengthMax = 60;

/** A tool, an operation and where; never a person: managedFields knows no person. */
export function ownerPhrase(owner: FieldOwner | 'unknown' | undefined): string {
  if (owner === undefined) return '';
  if (owner === 'unknown') return 'an unknown writer';
  const details =
    owner.subresource === undefined ? owner.operation : `${owner.operation}, ${owner.subresource}`;
  return `${owner.manager} (${details})`;
}

export function valuePhrase(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = jsonText(value);
  return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax)}…` : text;
}

export function changePhrase(change: FieldChange): string {
  const values =
    change.secret === true
      ? 'secret value changed'
      : `${valuePhrase(change.before)} → ${valuePhrase(change.after)}`;
  return `${change.path} ${values}`;
}

function byOwner(changes: readonly FieldChange[]): string {
  const owners = [
    ...new Set(changes.map(({ owner }) => ownerPhrase(owner)).filter((phrase) => phrase !== '')),
  ];
  return owners.length === 0 ? '' : `, by ${owners.join(' and ')}`;
}

/** What happened to an object that stood as Git said. */
export function driftSentence(step: Step): string {
  const object = describe(step.object);
  if (step.action.verb === 'create') return `${object} was deleted, by an unknown writer`;
  if (step.changes.length === 0) return `${object}: field ownership was changed, no value`;
  const shown = step.changes.slice(0, changesShown).map(changePhrase).join('; ');
  const more = step.changes.length > changesShown ? ` and ${step.changes.length - changesShown} more` : '';
  return `${object}: ${shown}${more}${byOwner(step.changes)}`;
}

export function isDrift(step: Step): boolean {
  return step.reason === 'drifted';
}

const signs: Readonly<Record<Step['action']['verb'], string>> = {
  create: '+',
  apply: '~',
  replace: '~',
  'patch-metadata': '~',
  delete: '-',
  wait: '…',
};

const phaseWords: Readonly<Record<Phase, string>> = {
  pre: 'before the sync',
  sync: 'with the sync',
  post: 'after the sync',
  fail: 'if the sync fails',
  'pre-delete': 'before everything is deleted',
  'post-delete': 'after everything is deleted',
};

/** One line a step: `~ Deployment payments/api  changed  .spec.replicas 2 → 3`. */
export function stepLine(step: Step): string {
  const shown = step.changes
    .slice(0, changesShown)
    .map((change) => `${changePhrase(change)}${byOwner([change])}`);
  const more = step.changes.length > changesShown ? [`and ${step.changes.length - changesShown} more`] : [];
  const until = step.action.verb === 'wait' ? ` until ${step.action.until}` : '';
  const isOwnershipOnly = step.action.verb === 'apply' && step.changes.length === 0;
  if (step.reason === 'hook' && step.action.verb === 'create')
    return `> ${describe(step.object)}  hook, ${phaseWords[step.phase]}`;
  if (isOwnershipOnly)
    return `= ${describe(step.object)}  ${step.reason}: no value changes, only its ownership`;
  return `${signs[step.action.verb]} ${describe(step.object)}  ${step.reason}${until}${[...shown, ...more]
    .map((text) => `\n      ${text}`)
    .join('')}`;
}

export function planSummary(plan: Plan): string {
  const count = (verb: Step['action']['verb']): number =>
    plan.steps.filter(({ action, reason }) => action.verb === verb && reason !== 'hook').length;
  const parts = [`${count('create')} to create`, `${count('apply')} to change`, `${plan.pruned} to delete`];
  if (plan.kept.length > 0) parts.push(`${plan.kept.length} kept`);
  const hooks = new Set(plan.steps.flatMap(({ hook }) => hook?.key ?? []));
  if (hooks.size > 0) parts.push(`${hooks.size} hook${hooks.size === 1 ? '' : 's'} to run`);
  return plan.steps.length === 0 && plan.kept.length === 0 ? 'in sync' : parts.join(', ');
}
