/**
 * `resource.exclusions` and `resource.inclusions` of `argocd-cm`: which kinds are left alone. Source: Argo CD's page on
 * declarative setup. What cannot be read must not stand for "none": it would apply what was excluded.
 */
import { z } from 'zod';
import { globProblem, matchesGlob } from '#model/glob.ts';
import type { KindPatterns, Limits } from '#model/unit.ts';
import { inClusterServer } from './in-cluster.ts';
import { unreadableSetting } from './unsupported.ts';
import { problemText, readYaml } from './yaml-text.ts';

const pattern = z.string().superRefine((text, context) => {
  const message = globProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
const patterns = z.array(pattern).nullish();
const entries = z
  .array(z.looseObject({ apiGroups: patterns, kinds: patterns, clusters: patterns }))
  .nullish();

export interface KindFilters {
  readonly filters: Partial<Pick<Limits, 'excluded' | 'included' | 'unreadable'>>;
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

export function kindFiltersOf(config: Readonly<Record<string, string>>): KindFilters {
  const excluded = filtersOf('resource.exclusions', config);
  const included = filtersOf('resource.inclusions', config);
  const problems = [...excluded.problems, ...included.problems];
  const [problem] = problems;
  return {
    filters: {
      ...(problem === undefined ? {} : { unreadable: unreadableSetting(problem.key, problem.message) }),
      ...(excluded.here.length === 0 ? {} : { excluded: excluded.here }),
      // One for other clusters alone includes nothing here.
      ...(included.isSet ? { included: included.here } : {}),
    },
    problems,
  };
}

function filtersOf(
  key: string,
  config: Readonly<Record<string, string>>,
): {
  readonly here: readonly KindPatterns[];
  readonly isSet: boolean;
  readonly problems: KindFilters['problems'];
} {
  const { value, problem } = readYaml(config[key] ?? '');
  const parsed = entries.safeParse(value);
  if (problem !== undefined || !parsed.success) {
    const issue = parsed.error?.issues[0];
    const message = problem ? problemText(problem) : `${issue?.path.join('.')}: ${issue?.message}`;
    return { here: [], isSet: false, problems: [{ key, message }] };
  }
  const written = parsed.data ?? [];
  return {
    here: written
      .filter(({ clusters }) => orAll(clusters).some((text) => matchesGlob(text, inClusterServer)))
      .map(({ apiGroups, kinds }) => ({ apiGroups: orAll(apiGroups), kinds: orAll(kinds) })),
    isSet: written.length > 0,
    problems: [],
  };
}

/** A list that is left out matches everything. */
function orAll(list: readonly string[] | null | undefined): readonly string[] {
  return list == null || list.length === 0 ? ['*'] : list;
}
