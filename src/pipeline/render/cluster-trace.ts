/** What a rendering asked of the cluster, as the cluster answers it: now, or when it was rendered. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { canonicalJson, type Digest } from '#model/json.ts';
import type { Capabilities, ClusterView } from '#model/ports.ts';
import type {
  CapabilityAnswers,
  CapabilityQuestions,
  ClusterQuestions,
  ClusterTrace,
} from '#model/rendered.ts';
import type { HelmRender, Input } from '#model/unit.ts';

/** Undefined when nothing was asked: the cluster makes no difference. */
export function clusterDigest({ lookups, capabilities }: ClusterTrace): Digest | undefined {
  if (lookups === undefined && capabilities === undefined) return undefined;
  return digestOf(canonicalJson({ lookups, capabilities }));
}

export async function clusterTrace(
  { lookups, capabilities }: ClusterQuestions,
  spec: Input['render'],
  view: ClusterView,
): Promise<Result<ClusterTrace>> {
  let trace: ClusterTrace = {};
  if (lookups !== undefined) {
    const found = await view.lookUp(lookups);
    if (!found.ok) return found;
    const digests = lookups.map((question, index) => [question, found.value[index]!.digest]);
    trace = { lookups: Object.fromEntries(digests) };
  }
  if (capabilities !== undefined) {
    const served = await view.capabilities();
    if (!served.ok) return served;
    const answers = capabilityAnswers(capabilities, spec, served.value);
    if (!answers.ok) return answers;
    trace = { ...trace, capabilities: answers.value };
  }
  return ok(trace);
}

/** What the resource itself names is meant instead of the cluster's. */
export function helmFor(spec: HelmRender, capabilities: Capabilities | undefined): HelmRender {
  if (capabilities === undefined) return spec;
  const { kubeVersion, apiVersions } = capabilities;
  return { kubeVersion, apiVersions, ...spec };
}

export function capabilityAnswers(
  questions: CapabilityQuestions,
  spec: Input['render'],
  capabilities: Capabilities | undefined,
): Result<CapabilityAnswers> {
  const helm = spec.kind === 'detect' ? spec.helm : spec;
  if (helm.kind !== 'helm') throw new Error('only charts ask for capabilities');
  const { kubeVersion = '', apiVersions = [] } = helmFor(helm, capabilities);
  const isFromCluster = helm.apiVersions === undefined;
  const unsure = isFromCluster ? unknownOf(questions, apiVersions, capabilities?.unknown ?? []) : undefined;
  if (unsure !== undefined) return fail(incomplete(unsure));
  const known = new Set(apiVersions);
  return ok({
    ...(questions.kubeVersion ? { kubeVersion } : {}),
    apiVersions: Object.fromEntries(questions.apiVersions.map((asked) => [asked, known.has(asked)])),
    ...(questions.whole ? { whole: digestOf(canonicalJson(apiVersions.toSorted())) } : {}),
  });
}

/** The group version that may have what is asked for, and cannot say so now. */
function unknownOf(
  { apiVersions: asked, whole }: CapabilityQuestions,
  known: readonly string[],
  unknown: readonly string[],
): string | undefined {
  if (whole) return unknown[0];
  const missing = asked.filter((apiVersion) => !known.includes(apiVersion));
  return unknown.find((version) =>
    missing.some((apiVersion) => apiVersion === version || apiVersion.startsWith(`${version}/`)),
  );
}

function incomplete(version: string): Failure {
  return {
    kind: 'transient',
    code: 'DiscoveryIncomplete',
    stage: 'render',
    message: `the chart asks whether the cluster serves ${version}, and the cluster cannot say now`,
    hint: 'check the API service behind that group (kubectl get apiservices)',
  };
}
