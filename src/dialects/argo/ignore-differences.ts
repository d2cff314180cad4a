/**
 * `spec.ignoreDifferences` of an Application and `resource.customizations.ignoreDifferences.*` of `argocd-cm`.
 * Source: Argo CD's page on diffing.
 */
import type { Failure } from '#model/failure.ts';
import { globProblem } from '#model/glob.ts';
import { isObject } from '#model/json.ts';
import type { GroupKind } from '#model/object.ts';
import type { IgnoreRule } from '#model/unit.ts';
import { invalid } from '../parse-spec.ts';
import { ignoredFields, type ApplicationSpec, type IgnoredFields } from './schema.ts';
import { problemText, readYaml } from './yaml-text.ts';

export function rulesOf(
  written: ApplicationSpec['ignoreDifferences'],
  refused: Failure[],
): readonly IgnoreRule[] {
  return (written ?? []).map(({ group = '', kind, name, namespace, ...of }, index) => {
    const where = `spec.ignoreDifferences[${index}]`;
    for (const [member, pattern] of Object.entries({ group, kind })) {
      const problem = globProblem(pattern);
      if (problem !== undefined)
        refused.push(invalid(`${where}.${member}: ${problem}`, `correct ${where}.${member}`));
    }
    return {
      group,
      kind,
      ...(name === undefined || name === '' ? {} : { name }),
      ...(namespace === undefined || namespace === '' ? {} : { namespace }),
      ...fieldsOf(of, where, refused),
    };
  });
}

function fieldsOf(
  { jsonPointers, jqPathExpressions, managedFieldsManagers }: IgnoredFields,
  where: string,
  refused: Failure[],
): Pick<IgnoreRule, 'pointers' | 'managers' | 'jq'> {
  for (const pointer of jsonPointers ?? []) {
    if (/^\/./.test(pointer)) continue;
    const hint = 'write it as /spec/replicas, with ~1 for a slash in a name';
    refused.push(invalid(`${where}.jsonPointers: "${pointer}" is no JSON pointer below the root`, hint));
  }
  const paths = jqPathExpressions ?? [];
  return {
    pointers: jsonPointers ?? [],
    managers: managedFieldsManagers ?? [],
    ...(paths.length === 0 ? {} : { jq: { paths, where: `${where}.jqPathExpressions` } }),
  };
}

const root = 'resource.customizations';
const prefix = `${root}.ignoreDifferences.`;

interface SystemRules {
  readonly rules: readonly IgnoreRule[];
  readonly refused: readonly Failure[];
}
/** Every Application of an installation is read with the same ConfigMap. */
const readBefore = new WeakMap<object, SystemRules>();

/** For every Application, in both forms that Argo CD reads: a key for each kind, and one map by `group/Kind`. */
export function systemRules(
  config: Readonly<Record<string, string>>,
  refused: Failure[],
): readonly IgnoreRule[] {
  const known = readBefore.get(config) ?? systemRulesIn(config);
  readBefore.set(config, known);
  refused.push(...known.refused);
  return known.rules;
}

function systemRulesIn(config: Readonly<Record<string, string>>): SystemRules {
  const refused: Failure[] = [];
  const ruleOf = (of: string, separator: string, text: string, key: string): readonly IgnoreRule[] => {
    const where = `ConfigMap argocd-cm, ${key}`;
    const { value, problem } = readYaml(text);
    const parsed = ignoredFields.safeParse(value);
    if (!isObject(value) || !parsed.success) {
      const why = (problem && problemText(problem)) ?? parsed.error?.issues[0]?.message ?? 'no mapping';
      refused.push(invalid(`${where} cannot be read: ${why}`, `correct ${where}`));
      return [];
    }
    return [{ ...kindOf(of, separator), ...fieldsOf(parsed.data, where, refused) }];
  };
  const split = Object.entries(config).flatMap(([key, text]) =>
    key.startsWith(prefix) ? ruleOf(key.slice(prefix.length), '_', text, key) : [],
  );
  // Where the map itself cannot be read, that is a problem of its health checks too, and said there.
  const { value: map } = readYaml(config[root] ?? '');
  const mapped = Object.entries(isObject(map) ? map : {}).flatMap(([of, member]) => {
    const text = isObject(member) ? member['ignoreDifferences'] : undefined;
    return typeof text === 'string' ? ruleOf(of, '/', text, `${root}, ${of}, ignoreDifferences`) : [];
  });
  return { rules: [...mapped, ...split, ...comparing(config, refused)], refused };
}

const compareKey = 'resource.compareoptions';

/** Roles that a controller fills in, and statuses that Git has. */
function comparing(config: Readonly<Record<string, string>>, refused: Failure[]): readonly IgnoreRule[] {
  const { value, problem } = readYaml(config[compareKey] ?? '');
  const options = isObject(value) ? value : {};
  const statusKinds = kindsOfStatus.get(String(options['ignoreResourceStatusField'] ?? ''));
  const why =
    (problem && problemText(problem)) ??
    (statusKinds === undefined ? 'ignoreResourceStatusField is all, crd or none' : undefined);
  if (why !== undefined)
    refused.push(invalid(`ConfigMap argocd-cm, ${compareKey} cannot be read: ${why}`, 'correct it'));
  const rules = (statusKinds ?? []).map((of) => ({ ...of, pointers: ['/status'], managers: [] }));
  if (options['ignoreAggregatedRoles'] !== true) return rules;
  const jq = { paths: ['select(.aggregationRule != null) | .rules'], where: compareKey };
  const roles = { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', pointers: [], managers: [], jq };
  return [...rules, roles];
}

const allKinds = [{ group: '*', kind: '*' }];
/** As Argo CD 3 has it: those of all kinds where nothing is said. */
const kindsOfStatus: ReadonlyMap<string, readonly GroupKind[]> = new Map([
  ['', allKinds],
  ['all', allKinds],
  ['crd', [{ group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' }]],
  ['none', []],
  ['off', []],
  ['false', []],
]);

/** `all`, a kind of the core group, or a group and a kind. */
function kindOf(text: string, separator: string): Pick<IgnoreRule, 'group' | 'kind'> {
  if (text === 'all') return { group: '*', kind: '*' };
  const at = text.lastIndexOf(separator);
  return { group: at < 0 ? '' : text.slice(0, at), kind: text.slice(at + 1) };
}
