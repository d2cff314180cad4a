/**
 * The parts of Flux's GitRepository and Kustomization that are read, as their users write them. Members that are not
 * listed pass through, so that `unsupported.ts` can name them; a wrong type is an error with its path.
 * Source: the field names and types that Flux documents for the kinds.
 */
import { z } from 'zod';

const text = z.string();
const flag = z.boolean();
const texts = z.record(text, text);

const reference = z.looseObject({ name: text.min(1) });

export const gitRepositorySpec = z.looseObject({
  url: text.min(1),
  interval: text,
  timeout: text.optional(),
  suspend: flag.optional(),
  ref: z
    .looseObject({
      branch: text.optional(),
      tag: text.optional(),
      semver: text.optional(),
      name: text.optional(),
      commit: text.optional(),
    })
    .optional(),
  secretRef: reference.optional(),
  verify: z.looseObject({ mode: text.optional(), secretRef: reference }).optional(),
  ignore: text.optional(),
});
export type GitRepositorySpec = z.infer<typeof gitRepositorySpec>;

const dependency = z.looseObject({ name: text.min(1), namespace: text.optional() });
const healthCheck = z.looseObject({
  apiVersion: text.min(1),
  kind: text.min(1),
  name: text.min(1),
  namespace: text.optional(),
});

export const kustomizationSpec = z.looseObject({
  interval: text,
  retryInterval: text.optional(),
  timeout: text.optional(),
  sourceRef: z.looseObject({ kind: text, name: text.min(1), namespace: text.optional() }),
  path: text.optional(),
  prune: flag.optional(),
  wait: flag.optional(),
  suspend: flag.optional(),
  force: flag.optional(),
  deletionPolicy: text.optional(),
  targetNamespace: text.optional(),
  namePrefix: text.optional(),
  nameSuffix: text.optional(),
  dependsOn: z.array(dependency).optional(),
  healthChecks: z.array(healthCheck).optional(),
  components: z.array(text).optional(),
  ignoreMissingComponents: flag.optional(),
  patches: z.array(z.looseObject({})).optional(),
  images: z
    .array(
      z.looseObject({
        name: text.min(1),
        newName: text.optional(),
        newTag: text.optional(),
        digest: text.optional(),
      }),
    )
    .optional(),
  commonMetadata: z.looseObject({ labels: texts.optional(), annotations: texts.optional() }).optional(),
});
export type KustomizationSpec = z.infer<typeof kustomizationSpec>;
