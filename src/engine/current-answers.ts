/**
 * Whether what templates looked up is what a plan has seen of the same objects: the watch of the one may be behind that
 * of the other. Else a chart that takes what stands in its own Secret would undo, by an older answer, what somebody has
 * put there.
 */
import { isObject, parseJson } from '#model/json.ts';
import { apiVersionOf, keyText, refOf, type Manifest, type ObjectRef } from '#model/object.ts';
import type { Sighting } from '#model/observed.ts';
import type { ClusterView } from '#model/ports.ts';
import type { MadePlan } from '#pipeline/pipeline.ts';
import { clusterDigest, clusterTrace } from '#pipeline/render/cluster-trace.ts';
import { questionOf } from '#pipeline/render/lookups.ts';

export async function hasCurrentAnswers(
  { plan, located, sightings }: Pick<MadePlan, 'plan' | 'located' | 'sightings'>,
  view: ClusterView,
): Promise<boolean> {
  const objects = plan.steps.map(({ object }) => object);
  for (const { input, read } of located.inputs) {
    const own = (read?.lookups ?? []).filter((question) =>
      objects.some((object) => isAbout(questionOf(question), object)),
    );
    if (read === undefined || own.length === 0) continue;
    const found = await view.lookUp(own);
    if (!found.ok) return false;
    for (const [index, question] of own.entries()) {
      const versions = versionsIn(found.value[index]!.text);
      const about = objects.filter((object) => isAbout(questionOf(question), object)).map(keyText);
      if (about.some((key) => versions.get(key) !== versionOf(sightings.get(key)))) return false;
    }
    // It may have been rendered with others.
    const answered = await clusterTrace(read, input.render, view);
    if (!answered.ok || clusterDigest(answered.value) !== read.answered) return false;
  }
  return true;
}

function isAbout(question: ObjectRef, object: ObjectRef): boolean {
  if (apiVersionOf(question) !== apiVersionOf(object) || question.kind !== object.kind) return false;
  if (question.name === '') return question.namespace === '' || question.namespace === object.namespace;
  return question.name === object.name && question.namespace === object.namespace;
}

/** By key text, of one object or of a list. */
function versionsIn(answer: string): ReadonlyMap<string, unknown> {
  const found = answer === '' ? undefined : parseJson(answer);
  if (!isObject(found)) return new Map();
  const manifests = (Array.isArray(found['items']) ? found['items'] : [found]) as readonly Manifest[];
  return new Map(
    manifests.map((manifest) => [keyText(refOf(manifest)), manifest.metadata['resourceVersion']]),
  );
}

function versionOf(sighting: Sighting | undefined): string | undefined {
  return sighting?.state === 'present' ? sighting.object.resourceVersion : undefined;
}
