/** What a first run starts from: a repository with an example, and the one Application that leads to all others. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { applicationKind } from '#dialects/argo/application.ts';
import { commitFiles } from '#git/first-commit.ts';
import type { HostedRepositories } from '#git/hosted.ts';
import { ok, type Result } from '#model/failure.ts';
import { apiVersionOf, refOf, type LiveMetadata, type Manifest } from '#model/object.ts';
import type { Clock, Cluster } from '#model/ports.ts';

type LiveManifest = Manifest & { readonly metadata: LiveMetadata };

export const exampleName = 'example';
/** No Unit applies it: it is the start of all. */
const rootManager = 'trueup';
const exampleDir = new URL('../../examples/first-run/', import.meta.url);

/** True if it made the repository; one that is there belongs to whoever pushes to it. */
export function seedExample(repositories: HostedRepositories, clock: Clock): Promise<Result<boolean>> {
  return repositories.create(exampleName, (gitDir) =>
    commitFiles(repositories.tools, gitDir, {
      filesDir: fileURLToPath(exampleDir),
      message: 'The example',
      atMs: clock.now(),
    }),
  );
}

/** Creates the Application `root` in the namespace that it names; true if it was not there. One that is there stays. */
export function applyRoot(cluster: Cluster): Promise<Result<boolean>> {
  const manifest = parse(readFileSync(new URL('root.yaml', exampleDir), 'utf8')) as Manifest;
  return ensure(cluster, manifest, false);
}

export interface OwnRepository {
  readonly url: string;
  readonly path: string;
  readonly ref: string;
}

/** The Application of a repository that the start names; at another start with another one it is that. */
export function applyOwn(
  cluster: Cluster,
  namespace: string,
  { url, path, ref }: OwnRepository,
): Promise<Result<boolean>> {
  const manifest: Manifest = {
    apiVersion: apiVersionOf(applicationKind),
    kind: applicationKind.kind,
    metadata: { name: 'own', namespace },
    spec: {
      project: 'default',
      source: { repoURL: url, path, targetRevision: ref },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'default' },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  };
  return ensure(cluster, manifest, true);
}

async function ensure(cluster: Cluster, manifest: Manifest, update: boolean): Promise<Result<boolean>> {
  const ref = refOf(manifest);
  const found = await cluster.read(ref);
  if (!found.ok) return found;
  const there = found.value as LiveManifest | undefined;
  if (there !== undefined && !update) return ok(false);
  const expect = there === undefined ? 'absent' : { uid: there.metadata.uid };
  const applied = await cluster.apply({ ref, manifest, manager: rootManager, force: true, expect });
  return applied.ok ? ok(there === undefined) : applied;
}
