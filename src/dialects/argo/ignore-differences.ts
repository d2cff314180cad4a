/**
 * `spec.ignoreDifferences` of an Application and `resource.customizations.ignoreDifferences.*` of `argocd-cm`.
 * Source: Argo CD's page on diffing.
 */
import { parseDocument } from 'yaml';
import type { Failure } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { IgnoreRule } from '#model/unit.ts';
import { invalid } from '../parse-spec.ts';
import { ignoredFields, type ApplicationSpec, type IgnoredFields } from './schema.ts';
import { unsupported } from './unsupported.ts';

export function rulesOf(
  written: ApplicationSpec['ignoreDifferences'],
  refused: Failure[],
): readonly IgnoreRule[] {
  return (written ?? []).map(({ group = '', kind, name, namespace, ...of }, index) => ({
    group,
    kind,
    ...(name === undefined || name === '' ? {} : { name }),
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    ...fieldsOf(of, `spec.ignoreDifferences[${index}]`, refused),
  }));
}

function fieldsOf(
  { jsonPointers, jqPathExpressions, managedFieldsManagers }: IgnoredFields,
  where: string,
  refused: Failure[],
): Pick<IgnoreRule, 'pointers' | 'managers'> {
  if ((jqPathExpressions ?? []).length > 0) refused.push(unsupported(`${where}.jqPathExpressions`));
  for (const pointer of jsonPointers ?? []) {
    if (/^\/./.test(pointer)) continue;
    const hint = 'write it as /spec/replicas, with ~1 for a slash in a name';
    refused.push(invalid(`${where}.jsonPointers: "${pointer}" is no JSON pointer below the root`, hint));
  }
  return { pointers: jsonPointers ?? [], managers: managedFieldsManagers ?? [] };
}

const prefix = 'resource.customizations.ignoreDifferences.';

/** For every Application: the key ends with `all`, a kind of the core group, or `group_Kind`. */
export function systemRules(
  config: Readonly<Record<string, string>>,
  refused: Failure[],
): readonly IgnoreRule[] {
  return Object.entries(config).flatMap(([key, text]) => {
    if (!key.startsWith(prefix)) return [];
    const where = `${key} of ConfigMap argocd-cm`;
    const document = parseDocument(text);
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 });
    const parsed = ignoredFields.safeParse(value);
    if (!isObject(value) || !parsed.success) {
      const problem = document.errors[0]?.message ?? parsed.error?.issues[0]?.message ?? 'no mapping';
      refused.push(invalid(`${where} cannot be read: ${problem}`, `correct ${where}`));
      return [];
    }
    return [{ ...kindOf(key.slice(prefix.length)), ...fieldsOf(parsed.data, where, refused) }];
  });
}

function kindOf(text: string): Pick<IgnoreRule, 'group' | 'kind'> {
  if (text === 'all') return { group: '*', kind: '*' };
  const at = text.lastIndexOf('_');
  return { group: at < 0 ? '' : text.slice(0, at), kind: text.slice(at + 1) };
}
