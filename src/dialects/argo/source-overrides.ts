/**
 * `.argocd-source.yaml` and `.argocd-source-APPLICATION.yaml` beside the manifests: JSON merge patches of the source.
 * Where a source is cannot be changed by what stands in it. Source: Argo CD's page on parameter overrides.
 */
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { isObject, type JsonObject } from '#model/json.ts';
import type { Overriding } from '#model/ports.ts';
import type { Overrides } from '#model/unit.ts';
import { patched } from '../merge-patch.ts';
import { invalid } from '../parse-spec.ts';
import { applicationSource, type ApplicationSource } from './schema.ts';
import { renderOf, type RenderContext } from './source-render.ts';
import { inspectOverride } from './unsupported.ts';
import { readYaml } from './yaml-text.ts';

interface Overridable {
  readonly source: ApplicationSource;
  readonly context: RenderContext;
}

export function overridesOf(source: ApplicationSource, context: RenderContext): Overrides {
  const of: Overridable = { source, context };
  return {
    files: ['.argocd-source.yaml', `.argocd-source-${context.instance}.yaml`],
    of: of as unknown as JsonObject,
  };
}

export const argoOverriding: Overriding = ({ of }, files) => {
  const { source, context } = of as unknown as Overridable;
  const warnings: Failure[] = [];
  let now: unknown = source;
  for (const { path, text } of files) {
    const read = patchIn(path, text);
    if (!read.ok) return read;
    const { refused, unknown } = inspectOverride(path, read.value as Partial<ApplicationSource>);
    if (refused[0] !== undefined) return fail({ ...refused[0], at: { path } });
    warnings.push(...unknown);
    now = patched(now, read.value);
  }
  const { repoURL, path, targetRevision, chart, ref } = source;
  const at = { path: files.at(-1)!.path };
  const parsed = applicationSource.safeParse({
    ...(now as object),
    repoURL,
    path,
    targetRevision,
    chart,
    ref,
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.');
    return fail({ ...invalid(`${place}: ${issue?.message ?? 'not valid'}`, `correct ${place}`), at });
  }
  const refused: Failure[] = [];
  const render = renderOf(parsed.data, context, refused);
  return refused[0] === undefined ? ok({ render, warnings }) : fail({ ...refused[0], at });
};

function patchIn(path: string, text: string): Result<Readonly<Record<string, unknown>>> {
  const { value, problem } = readYaml(text, '1.1');
  const patch = value ?? {};
  if (problem === undefined && isObject(patch)) return ok(patch);
  const { message, line } = problem ?? { message: 'it is no mapping' };
  const code = problem === undefined ? 'InvalidSpec' : 'InvalidYaml';
  const at = { path, ...(line === undefined ? {} : { line }) };
  return fail({ ...invalid(message, 'correct it'), code, at });
}
