/** What a first run starts from: a repository with an example, and the one Application that leads to all others. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { applicationKind } from '#dialects/argo/application.ts';
import { commitFiles } from '#git/first-commit.ts';
import type { HostedRepositories } from '#git/hosted.ts';
import { ok, type Result } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';
import type { Clock, Cluster } from '#model/ports.ts';

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

/** Creates the Application `root` in the namespace that it names; true if it was not there. */
export async function applyRoot(cluster: Cluster): Promise<Result<boolean>> {
  const manifest = parse(readFileSync(new URL('root.yaml', exampleDir), 'utf8')) as Manifest;
  const { name, namespace = '' } = manifest.metadata;
  const ref = { ...applicationKind, namespace, name };
  const found = await cluster.read(ref);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok(false);
  const applied = await cluster.apply({
    ref,
    manifest,
    manager: rootManager,
    force: false,
    expect: 'absent',
  });
  return applied.ok ? ok(applied.value.result === 'done') : applied;
}
