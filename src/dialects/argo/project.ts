/**
 * What an AppProject allows its Applications. Where a namespace has no AppProject at all, projects are not in use
 * there and every name stands for "no limit"; as soon as there is one, a name that does not exist is refused.
 */
import { z } from 'zod';
import type { Lookup } from '#model/dialect.ts';
import type { Failure } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import { isObject } from '#model/json.ts';
import type { KindLists, SignatureRule, SyncWindow } from '#model/unit.ts';
import { allows, globProblem, matchesPattern } from '#model/glob.ts';
import { allowsRepository } from '#model/repository-access.ts';
import { scopedRepositories } from './repositories.ts';
import { configMapKey } from './settings.ts';
import { windowsOf } from './sync-windows.ts';
import { isSet } from './unsupported.ts';

export interface ProjectLimits {
  readonly namespaces?: readonly string[];
  readonly clusterKinds?: KindLists;
  readonly namespacedKinds?: KindLists;
}
export interface ProjectVerdict {
  readonly limits: ProjectLimits;
  /** Patterns; absent where every repository is permitted. */
  readonly repositories?: readonly string[];
  /** Who must have signed what its sources give. */
  readonly signed?: SignatureRule;
  /** Reasons for which nothing may be written. */
  readonly refused: readonly Failure[];
  readonly warnings: readonly Failure[];
  readonly windows: readonly SyncWindow[];
}

const texts = z.array(z.string()).nullish();
const kinds = z
  .array(z.looseObject({ group: z.string(), kind: z.string(), name: z.string().optional() }))
  .nullish();
const destination = z.looseObject({
  server: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
});
const syncWindow = z.looseObject({
  kind: z.enum(['allow', 'deny']),
  schedule: z.string(),
  duration: z.string(),
  timeZone: z.string().optional(),
  applications: texts,
  namespaces: texts,
  clusters: texts,
  manualSync: z.boolean().optional(),
  andOperator: z.boolean().optional(),
});
export type ProjectWindow = z.infer<typeof syncWindow>;
const projectSpec = z.looseObject({
  sourceRepos: texts,
  destinations: z.array(destination).nullish(),
  clusterResourceWhitelist: kinds,
  clusterResourceBlacklist: kinds,
  namespaceResourceWhitelist: kinds,
  namespaceResourceBlacklist: kinds,
  sourceNamespaces: texts,
  syncWindows: z.array(syncWindow).nullish(),
  signatureKeys: z.array(z.looseObject({ keyID: z.string().min(8) })).nullish(),
});
type Destination = z.infer<typeof destination>;
type ProjectSpec = z.infer<typeof projectSpec>;

/** Members that change when, where or as whom objects are applied, and are not honoured yet. */
const refusedMembers = ['destinationServiceAccounts', 'sourceIntegrity'];

function failure(code: string, message: string, hint: string): Failure {
  return { kind: 'blocked', code, stage: 'policy', message, hint };
}

export interface ProjectQuestion {
  readonly application: string;
  readonly project: string;
  readonly controlNamespace: string;
  readonly applicationNamespace: string;
  readonly repositories: readonly string[];
  readonly server: string;
  readonly namespace: string;
}

export function judgeProject(question: ProjectQuestion, lookup: Lookup): ProjectVerdict {
  const { project: name, controlNamespace } = question;
  const project = lookup.get({ group: 'argoproj.io', kind: 'AppProject', namespace: controlNamespace, name });
  if (project === undefined) return judgeMissing(name, controlNamespace, lookup);
  const parsed = projectSpec.safeParse(project['spec'] ?? {});
  if (!parsed.success) return unreadable(name, parsed.error.issues[0]);
  const spec = parsed.data;
  const { windows, problems } = windowsOf(spec.syncWindows ?? [], question);
  const permitted = [...(spec.sourceRepos ?? []), ...scopedRepositories(lookup, controlNamespace, name)];
  return {
    limits: limitsOf(spec, question),
    repositories: permitted,
    ...signedOf(name, spec, lookup, controlNamespace),
    refused: [
      ...unsupportedMembers(name, spec),
      ...deniedPlaces(name, project, spec, { ...question, permitted }),
      ...problems,
      ...unreadablePatterns(name, spec),
    ],
    warnings: [],
    windows,
  };
}

/** The keys themselves are in a ConfigMap; of one that is not there nothing can be signed. */
function signedOf(
  name: string,
  { signatureKeys }: ProjectSpec,
  lookup: Lookup,
  controlNamespace: string,
): Pick<ProjectVerdict, 'signed'> {
  if (signatureKeys == null || signatureKeys.length === 0) return {};
  const held = lookup.get(configMapKey(controlNamespace, 'argocd-gpg-keys-cm'))?.['data'];
  const ids = signatureKeys.map(({ keyID }) => keyID);
  const keys = Object.entries(isObject(held) ? held : {}).flatMap(([id, text]) =>
    typeof text === 'string' && ids.some((wanted) => sameKey(id, wanted)) ? [text] : [],
  );
  const where = `spec.signatureKeys of AppProject ${name} (the keys are in argocd-gpg-keys-cm)`;
  return { signed: { keys, ids, what: 'either', where } };
}

/** One may be longer than the other: a key is named by the end of its fingerprint. */
function sameKey(one: string, other: string): boolean {
  const [a, b] = [one.toUpperCase(), other.toUpperCase()];
  return a.endsWith(b) || b.endsWith(a);
}

/** F28: a project that cannot be read stops its own Applications, and says where it is wrong. */
function unreadable(name: string, issue: z.core.$ZodIssue | undefined): ProjectVerdict {
  const path = ['spec', ...(issue?.path ?? [])].join('.');
  const message = `AppProject ${name} cannot be read: ${path}: ${issue?.message ?? 'not valid'}`;
  return {
    limits: {},
    repositories: [],
    refused: [failure('ProjectDenies', message, `correct ${path} of the project`)],
    warnings: [],
    windows: [],
  };
}

/** One in a list that denies would deny nothing. */
function unreadablePatterns(name: string, spec: ProjectSpec): readonly Failure[] {
  const ofKinds = (list: ProjectSpec['clusterResourceWhitelist']): readonly string[] =>
    (list ?? []).flatMap(({ group, kind }) => [group, kind]);
  const patterns: Readonly<Record<string, readonly string[]>> = {
    sourceRepos: spec.sourceRepos ?? [],
    destinations: (spec.destinations ?? []).flatMap(({ server, name: cluster, namespace }) =>
      [server, cluster, namespace].filter((text) => text !== undefined),
    ),
    clusterResourceWhitelist: ofKinds(spec.clusterResourceWhitelist),
    clusterResourceBlacklist: ofKinds(spec.clusterResourceBlacklist),
    namespaceResourceWhitelist: ofKinds(spec.namespaceResourceWhitelist),
    namespaceResourceBlacklist: ofKinds(spec.namespaceResourceBlacklist),
    sourceNamespaces: spec.sourceNamespaces ?? [],
  };
  return Object.entries(patterns).flatMap(([member, written]) =>
    written.flatMap((text) => {
      const problem = globProblem(text);
      const message = `AppProject ${name} cannot be read: spec.${member}: ${problem}`;
      return problem === undefined
        ? []
        : [failure('ProjectDenies', message, `correct spec.${member} of the project`)];
    }),
  );
}

function judgeMissing(name: string, controlNamespace: string, lookup: Lookup): ProjectVerdict {
  if (name === 'default') return { limits: {}, refused: [], warnings: [], windows: [] };
  if (lookup.list('argoproj.io', 'AppProject', controlNamespace).length === 0) {
    const message = `Project "${name}" does not exist; namespace ${controlNamespace} has no AppProject, so nothing is limited`;
    return {
      limits: {},
      refused: [],
      warnings: [failure('ProjectMissing', message, `create AppProject ${name} to set limits`)],
      windows: [],
    };
  }
  return {
    limits: {},
    repositories: [],
    refused: [
      failure(
        'ProjectMissing',
        `Project "${name}" does not exist in namespace ${controlNamespace}`,
        `create AppProject ${name}, or set spec.project to one that exists`,
      ),
    ],
    warnings: [],
    windows: [],
  };
}

function unsupportedMembers(name: string, spec: ProjectSpec): Failure[] {
  const byName = (['clusterResourceWhitelist', 'clusterResourceBlacklist'] as const)
    .filter((member) => spec[member]?.some((item) => (item.name ?? '') !== '') === true)
    .map((member) => `${member}[].name`);
  return [...refusedMembers.filter((member) => isSet(spec[member])), ...byName].map((member) =>
    failure(
      'Unsupported',
      `AppProject ${name} sets spec.${member}, which is not honoured yet`,
      `remove spec.${member} from the project, or leave this Application to Argo CD`,
    ),
  );
}

function deniedPlaces(
  name: string,
  project: Manifest,
  spec: ProjectSpec,
  question: ProjectQuestion & { readonly permitted: readonly string[] },
): Failure[] {
  const denied: Failure[] = [];
  for (const url of question.repositories) {
    if (!allowsRepository(question.permitted, url)) {
      denied.push(
        failure(
          'ProjectDenies',
          `Project ${name} does not permit the repository ${url}`,
          'add it to spec.sourceRepos',
        ),
      );
    }
  }
  if (!permitsDestination(spec.destinations ?? [], question)) {
    denied.push(
      failure(
        'ProjectDenies',
        `Project ${name} does not permit the destination ${question.server}, namespace "${question.namespace}"`,
        'add it to spec.destinations',
      ),
    );
  }
  const foreign = question.applicationNamespace !== question.controlNamespace;
  if (foreign && !allows(spec.sourceNamespaces ?? [], question.applicationNamespace)) {
    denied.push(
      failure(
        'ProjectDenies',
        `Project ${project.metadata.name} does not permit Applications in namespace ${question.applicationNamespace}`,
        'add it to spec.sourceNamespaces',
      ),
    );
  }
  return denied;
}

function sameServer(destination: Destination, server: string): boolean {
  const pattern = destination.server ?? (destination.name === undefined ? '*' : undefined);
  if (pattern !== undefined && matchesPattern(pattern.replace(/^!/, ''), server)) return true;
  return destination.name !== undefined && matchesPattern(destination.name.replace(/^!/, ''), 'in-cluster');
}

function permitsDestination(destinations: readonly Destination[], question: ProjectQuestion): boolean {
  const denies = (destination: Destination): boolean =>
    [destination.server, destination.name, destination.namespace].some((text) => text?.startsWith('!'));
  const matches = (destination: Destination): boolean =>
    sameServer(destination, question.server) &&
    matchesPattern((destination.namespace ?? '*').replace(/^!/, ''), question.namespace);
  return (
    !destinations.some((destination) => denies(destination) && matches(destination)) &&
    destinations.some((destination) => !denies(destination) && matches(destination))
  );
}

function limitsOf(spec: ProjectSpec, question: ProjectQuestion): ProjectLimits {
  return {
    namespaces: (spec.destinations ?? [])
      .filter((destination) => sameServer(destination, question.server))
      .map((destination) => destination.namespace ?? '*'),
    // Cluster-scoped kinds are denied unless listed; namespaced kinds are allowed unless a list is given.
    clusterKinds: {
      allow: spec.clusterResourceWhitelist ?? [],
      deny: spec.clusterResourceBlacklist ?? [],
    },
    namespacedKinds: {
      ...(spec.namespaceResourceWhitelist == null ? {} : { allow: spec.namespaceResourceWhitelist }),
      deny: spec.namespaceResourceBlacklist ?? [],
    },
  };
}
