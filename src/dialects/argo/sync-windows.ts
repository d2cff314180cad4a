/** `spec.syncWindows` of an AppProject: those of them that an Application is subject to. */
import type { Failure } from '#model/failure.ts';
import { globProblem, matchesGlob } from '#model/glob.ts';
import { cronProblem } from '#model/cron.ts';
import { parseDuration } from '#model/time.ts';
import type { SyncWindow } from '#model/unit.ts';
import type { ProjectQuestion, ProjectWindow } from './project.ts';

export interface Windows {
  readonly windows: readonly SyncWindow[];
  /** A window that cannot be read might deny what would be done: nothing is. */
  readonly problems: readonly Failure[];
}

export function windowsOf(written: readonly ProjectWindow[], question: ProjectQuestion): Windows {
  const windows: SyncWindow[] = [];
  const problems: Failure[] = [];
  for (const [index, window] of written.entries()) {
    const [pattern] = patternsOf(window).flatMap((text) => globProblem(text) ?? []);
    if (pattern !== undefined) problems.push(unreadable(question.project, index, pattern));
    if (pattern !== undefined || !concerns(window, question)) continue;
    const timeZone = window.timeZone === undefined || window.timeZone === '' ? 'UTC' : window.timeZone;
    const durationMs = parseDuration(window.duration);
    const problem =
      durationMs === undefined
        ? `duration: "${window.duration}" is not a duration`
        : cronProblem(window.schedule, timeZone);
    if (problem !== undefined || durationMs === undefined) {
      problems.push(unreadable(question.project, index, problem ?? ''));
      continue;
    }
    windows.push({
      kind: window.kind,
      schedule: window.schedule,
      durationMs,
      timeZone,
      manualSync: window.manualSync === true,
      of: `AppProject ${question.project}`,
    });
  }
  return { windows, problems };
}

const patternsOf = ({ applications, namespaces, clusters }: ProjectWindow): readonly string[] =>
  [applications, namespaces, clusters].flatMap((patterns) => patterns ?? []);

/** Any of what it names matches; with `andOperator`, all of what it names. */
function concerns(
  { applications, namespaces, clusters, andOperator }: ProjectWindow,
  { application, namespace, server }: ProjectQuestion,
): boolean {
  const some = (patterns: readonly string[], names: readonly string[]): boolean =>
    patterns.some((pattern) => names.some((name) => matchesGlob(pattern, name)));
  const verdicts = [
    applications == null || applications.length === 0 ? [] : [some(applications, [application])],
    namespaces == null || namespaces.length === 0 ? [] : [some(namespaces, [namespace])],
    clusters == null || clusters.length === 0 ? [] : [some(clusters, [server, 'in-cluster'])],
  ].flat();
  return andOperator === true ? verdicts.length > 0 && verdicts.every(Boolean) : verdicts.some(Boolean);
}

function unreadable(project: string, index: number, problem: string): Failure {
  const path = `spec.syncWindows[${index}]`;
  return {
    kind: 'blocked',
    code: 'ProjectDenies',
    stage: 'policy',
    message: `AppProject ${project} cannot be read: ${path}: ${problem}`,
    hint: `correct ${path} of the project: a schedule of five fields as "0 22 * * *", a duration as 1h, a time zone as Europe/Berlin, names or globs`,
  };
}
