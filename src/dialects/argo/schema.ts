/**
 * The part of `argoproj.io/v1alpha1` Application that is read, as its users write it. Members that are not listed
 * pass through, so that `unsupported.ts` can name them; a wrong type is an error with its path.
 * Source: the field names and types that Argo CD documents for the kind.
 */
import { z } from 'zod';

const text = z.string();
const flag = z.boolean();

const texts = z.record(text, text);
const kustomize = z.looseObject({
  namePrefix: text.optional(),
  nameSuffix: text.optional(),
  namespace: text.optional(),
  images: z.array(text).optional(),
  replicas: z.array(z.looseObject({ name: text, count: z.union([z.number().int(), text]) })).optional(),
  commonLabels: texts.optional(),
  forceCommonLabels: flag.optional(),
  labelWithoutSelector: flag.optional(),
  labelIncludeTemplates: flag.optional(),
  commonAnnotations: texts.optional(),
  forceCommonAnnotations: flag.optional(),
  patches: z.array(z.looseObject({})).optional(),
  components: z.array(text).optional(),
  ignoreMissingComponents: flag.optional(),
  commonAnnotationsEnvsubst: flag.optional(),
  version: text.optional(),
  kubeVersion: text.optional(),
  apiVersions: z.array(text).optional(),
});

const helm = z.looseObject({
  releaseName: text.optional(),
  namespace: text.optional(),
  valueFiles: z.array(text).optional(),
  ignoreMissingValueFiles: flag.optional(),
  values: text.optional(),
  valuesObject: z.record(text, z.unknown()).optional(),
  parameters: z
    .array(z.looseObject({ name: text, value: text.optional(), forceString: flag.optional() }))
    .optional(),
  fileParameters: z.array(z.looseObject({ name: text.optional(), path: text.optional() })).optional(),
  passCredentials: flag.optional(),
  skipCrds: flag.optional(),
  skipTests: flag.optional(),
  skipSchemaValidation: flag.optional(),
  kubeVersion: text.optional(),
  apiVersions: z.array(text).optional(),
});

const variables = z.array(z.looseObject({ name: text, value: text.optional(), code: flag.optional() }));
const jsonnet = z.looseObject({
  extVars: variables.optional(),
  tlas: variables.optional(),
  libs: z.array(text).optional(),
});

export const applicationSource = z.looseObject({
  repoURL: text.min(1),
  path: text.optional(),
  targetRevision: text.optional(),
  ref: text.optional(),
  chart: text.optional(),
  directory: z
    .looseObject({
      recurse: flag.optional(),
      include: text.optional(),
      exclude: text.optional(),
      jsonnet: jsonnet.optional(),
    })
    .optional(),
  kustomize: kustomize.optional(),
  helm: helm.optional(),
});

export const ignoredFields = z.looseObject({
  jsonPointers: z.array(text).nullish(),
  jqPathExpressions: z.array(text).nullish(),
  managedFieldsManagers: z.array(text).nullish(),
});
export type IgnoredFields = z.infer<typeof ignoredFields>;

const retry = z.looseObject({
  limit: z.number().int().optional(),
  refresh: flag.optional(),
  backoff: z
    .looseObject({
      duration: z.union([text, z.number()]).optional(),
      factor: z.number().int().optional(),
      maxDuration: z.union([text, z.number()]).optional(),
    })
    .optional(),
});
export type RetrySpec = z.infer<typeof retry>;

export const applicationSpec = z.looseObject({
  project: text.optional(),
  source: applicationSource.optional(),
  sources: z.array(applicationSource).optional(),
  destination: z.looseObject({
    server: text.optional(),
    name: text.optional(),
    namespace: text.optional(),
  }),
  syncPolicy: z
    .looseObject({
      automated: z
        .looseObject({
          enabled: flag.optional(),
          prune: flag.optional(),
          selfHeal: flag.optional(),
          allowEmpty: flag.optional(),
        })
        .nullish(),
      syncOptions: z.array(text).optional(),
      managedNamespaceMetadata: z
        .looseObject({ labels: texts.optional(), annotations: texts.optional() })
        .optional(),
      retry: retry.optional(),
    })
    .optional(),
  ignoreDifferences: z
    .array(
      ignoredFields.extend({
        group: text.optional(),
        kind: text,
        name: text.optional(),
        namespace: text.optional(),
      }),
    )
    .nullish(),
  revisionHistoryLimit: z.number().int().optional(),
});
export type ApplicationSpec = z.infer<typeof applicationSpec>;
export type ApplicationSource = z.infer<typeof applicationSource>;
export type KustomizeSource = z.infer<typeof kustomize>;
export type JsonnetSource = z.infer<typeof jsonnet>;
export type HelmSource = z.infer<typeof helm>;

export const operation = z.looseObject({
  sync: z
    .looseObject({
      revision: text.optional(),
      revisions: z.array(text).optional(),
      syncOptions: z.array(text).optional(),
      prune: flag.optional(),
      dryRun: flag.optional(),
      resources: z
        .array(
          z.looseObject({
            group: text.optional(),
            kind: text,
            name: text,
            namespace: text.optional(),
            exclude: flag.optional(),
          }),
        )
        .nullish(),
      syncStrategy: z
        .looseObject({
          apply: z.looseObject({ force: flag.optional() }).nullish(),
          hook: z.looseObject({ force: flag.optional() }).nullish(),
        })
        .nullish(),
    })
    .optional(),
  retry: retry.nullish(),
  info: z.array(z.looseObject({ name: text, value: text })).nullish(),
  initiatedBy: z.looseObject({ username: text.optional(), automated: flag.optional() }).optional(),
});
export type Operation = z.infer<typeof operation>;
