/** Figures in words, each with what it counts. What could not be measured says so. */
import { describe } from '#model/object.ts';
import type { DeploymentRecord, DriftRecord } from '#model/record.ts';
import { ownerPhrase } from '#model/sentences.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import type { LiveShare, UnexplainedGroup } from '#pipeline/record/live-share.ts';
import type { Report, RollbackTime } from '#pipeline/record/report.ts';

export function figures(
  report: Report & { readonly objects?: LiveShare },
  asksForObjects: boolean,
): readonly (readonly string[])[] {
  const { fromMs, untilMs, recordedSinceMs } = report;
  const since = recordedSinceMs > fromMs ? `; records begin ${timestamp(recordedSinceMs)}` : '';
  return [
    ['time', `${timestamp(fromMs)} to ${timestamp(untilMs)}${since}`],
    ['deployments', deploymentsText(report.deployments)],
    ['sync success rate', successText(report.deployments)],
    ['drift', driftText(report.drift)],
    ['rollback time', rollbackText(report.rollbacks)],
    ...(asksForObjects ? [['live objects explained by Git', shareText(report.objects)]] : []),
  ];
}

function deploymentsText({ count, succeeded, failed, medianMs }: Report['deployments']): string {
  if (count === 0) return 'none in this time';
  const took = medianMs === undefined ? '' : `, median ${humanDuration(medianMs)}`;
  return `${count} (${succeeded} succeeded, ${failed} failed)${took}`;
}

function successText({ successRate, succeeded, count }: Report['deployments']): string {
  if (successRate === undefined) return 'not measured: no deployment in this time';
  return `${percent(successRate)} (${succeeded} of ${count})`;
}

/** Rounded down: what is not all is never 100 %. */
function percent(part: number): string {
  return `${(Math.floor(part * 1000) / 10).toFixed(1)} %`;
}

function driftText(drift: Report['drift']): string {
  const { incidents, healed, elsewhere, forgotten, open, openFromBefore, perMonth, medianHealMs } = drift;
  const before = openFromBefore === 0 ? '' : `; ${openFromBefore} open from before`;
  const rate =
    perMonth === undefined ? 'a rate a month needs a day of records' : `${perMonth.toFixed(1)} a month`;
  if (incidents === 0) return `no incident in this time${before}`;
  const median = medianHealMs === undefined ? '' : `, median ${humanDuration(medianHealMs)}`;
  const parts = [`${healed} healed${median}`];
  if (elsewhere > 0) parts.push(`${elsewhere} gone without Trueup`);
  if (forgotten > 0) parts.push(`${forgotten} ended with their Application`);
  parts.push(`${open} open`);
  return `${incidents} ${incidents === 1 ? 'incident' : 'incidents'}, ${rate} (${parts.join(', ')})${before}`;
}

function rollbackText({ count, medianMs, last }: Report['rollbacks']): string {
  if (count === 0) return 'not measured: no rollback in this time';
  const median = medianMs === undefined ? 'none became stable' : `median ${humanDuration(medianMs)}`;
  const more = count > last.length ? [`and ${count - last.length} before`] : [];
  const each = [...last.map(rollbackPhrase), ...more].join(', ');
  return `${median} (${count} ${count === 1 ? 'rollback' : 'rollbacks'}: ${each})`;
}

function rollbackPhrase({ owner, label, tookMs }: RollbackTime): string {
  const took = tookMs === undefined ? 'not stable' : humanDuration(tookMs);
  return `${owner.namespace}/${owner.name} ${label} ${took}`;
}

function shareText(share: LiveShare | undefined): string {
  if (share === undefined) return 'not measured: only a running server sees the cluster';
  const { objects, explained, leftOut, namespaces, isCut, unread } = share;
  const where = `in ${namespaces} ${namespaces === 1 ? 'namespace' : 'namespaces'}`;
  const notes = [
    `${explained} of ${objects}${isCut ? ' that were looked at' : ''} ${where}`,
    `${leftOut} of the cluster's own left out`,
    ...(unread.length === 0 ? [] : [`${unread.length} kinds not read`]),
  ];
  if (objects === 0) return `not measured: nothing is there ${where}`;
  return `${percent(explained / objects)} (${notes.join('; ')})`;
}

/** The largest groups that Git does not explain, and the kinds that could not be read. */
export function shareLines({ groups, otherGroups, unread }: LiveShare): readonly string[] {
  return [
    ...groups.map(groupLine),
    ...(otherGroups.groups === 0 ? [] : [`${otherGroups.objects} more in ${otherGroups.groups} groups`]),
    ...unread.map(({ kind, why }) => `not read: ${kind.replace(/^\//, '')}: ${why}`),
  ];
}

function groupLine({ why, group, kind, namespace, manager, count, examples }: UnexplainedGroup): string {
  const what = `${count} ${kind}${group === '' ? '' : `.${group}`}`;
  const where = namespace === '' ? '' : ` in ${namespace}`;
  const by = manager === '' ? '' : `, made by ${manager}`;
  const names = `${examples.join(', ')}${count > examples.length ? ', …' : ''}`;
  return `${why === 'differs' ? 'not as Git says' : 'not in Git'}: ${what}${where}${by}: ${names}`;
}

export const deploymentHead = ['TIME', 'RESOURCE', 'RESULT', 'REVISION', 'TOOK', 'BY', 'MESSAGE'];
export function deploymentCells(record: DeploymentRecord): readonly string[] {
  const { atMs, owner, result, revisions, durationMs, by, message, revert } = record;
  const stable =
    revert === undefined
      ? ''
      : revert.stableAtMs === undefined
        ? '; a rollback, not stable'
        : `; a rollback, stable after ${humanDuration(revert.stableAtMs - revert.seenAtMs)}`;
  const label = revisions.map((revision) => revision.label).join(', ');
  const took = humanDuration(durationMs);
  return [timestamp(atMs), describe(owner), result, label, took, by, `${message}${stable}`];
}

export const driftHead = ['SEEN', 'RESOURCE', 'OBJECT', 'END', 'STOOD', 'BY', 'FIELDS'];
const ends = { healed: 'healed', elsewhere: 'gone without Trueup', forgotten: 'its Application is gone' };
export function driftCells(record: DriftRecord): readonly string[] {
  const { seenAtMs, beganAtMs, owner, object, ended, left, by, fields, deleted } = record;
  return [
    timestamp(seenAtMs),
    describe(owner),
    describe(object),
    ended === undefined ? `open${left === undefined ? '' : `: ${left}`}` : ends[ended.how],
    ended === undefined ? '' : humanDuration(ended.atMs - beganAtMs),
    by.map((writer) => ownerPhrase({ ...writer, atMs: 0 })).join(', ') || ownerPhrase('unknown'),
    [...(deleted ? ['deleted'] : []), ...fields].join(', '),
  ];
}
