/** What commands are handed: opened when asked for, in this thread. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { argoDialect } from '#dialects/argo/application.ts';
import { argoOverriding } from '#dialects/argo/source-overrides.ts';
import { fluxDialect } from '#dialects/flux/kustomization.ts';
import type { CommandPorts } from '#cli/command.ts';
import { ClusterViews } from '#engine/cluster-views.ts';
import { createSealer } from '#fields/digest.ts';
import { openRepositories } from '#git/repositories.ts';
import type { Mirror } from '#git/url.ts';
import { addressesOf } from '#host/addresses.ts';
import { systemClock, systemTimers } from '#host/clock.ts';
import { signing } from '#host/app-token.ts';
import { childEnvironment } from '#host/environment.ts';
import { openDiskFiles } from '#host/disk-files.ts';
import { openLog, terminalSink } from '#host/log.ts';
import { silentMeter } from '#host/metrics.ts';
import { openProcesses } from '#host/processes.ts';
import { ok, type Result } from '#model/failure.ts';
import type { Manifest, SecretRef } from '#model/object.ts';
import type { Cluster, Renderer, Repositories, RepositoryWriter, SecretReader } from '#model/ports.ts';
import { secretData } from '#model/secret.ts';
import { openArchives } from '#registries/archives.ts';
import { openInstallationTokens } from '#registries/github-app.ts';
import { createRenderer } from '#pipeline/render/renderer.ts';
import { openInterpreter } from '#pipeline/scripts/interpreter.ts';
import { openPathCutter } from '#pipeline/scripts/path-cutter.ts';
import { digestKey, startSettings } from './installation.ts';
import { accessFrom, openDirectCluster } from './open-cluster.ts';

const renderDeadlineMs = 30_000;

export function commandPorts(): CommandPorts {
  // Whoever runs a command reads it; results are on stdout.
  const log = openLog(
    'warn',
    terminalSink((text) => void process.stderr.write(text)),
  );
  const openPlain: CommandPorts['cluster'] = async (options) => {
    const access = accessFrom(options, process.env);
    if (!access.ok) return access;
    return ok(openDirectCluster({ access: access.value, namespace: options.namespace }, log, silentMeter));
  };
  const openGit = (
    mirrors: readonly Mirror[],
    secrets: (ref: SecretRef) => Manifest | undefined,
  ): Repositories & RepositoryWriter => {
    const secretsOf: SecretReader = (ref) => secretData(secrets(ref));
    const environment = childEnvironment(process.env);
    const outside = {
      clock: systemClock,
      timers: systemTimers,
      meter: silentMeter,
      lookup: addressesOf,
      environment,
    };
    return openRepositories({
      ...outside,
      archives: openArchives({ ...outside, secrets: secretsOf, mirrors }),
      installationTokens: openInstallationTokens({ ...outside, sign: signing(systemClock) }),
      dir: temporaryDirectory(),
      processes: openProcesses(systemTimers),
      log,
      secrets: secretsOf,
      mirrors,
    });
  };
  const openRenderer = (): Renderer =>
    createRenderer({ workers: 1, deadlineMs: renderDeadlineMs, timers: systemTimers });
  return {
    clock: systemClock,
    timers: systemTimers,
    dialects: (namespace) => [argoDialect(namespace), fluxDialect()],
    user: userInfo().username,
    out: (text) => void process.stdout.write(text),
    say: (text) => void process.stderr.write(text),
    cluster: openPlain,
    interpreter: () => openInterpreter(),
    // Not /dev/stdin, which cannot be opened where it is a socket.
    readFile: (file) => readFileSync(file === '-' ? 0 : file, 'utf8'),
    writeFile: (file, text) => writeFileSync(file, text),
    rendering: ({ mirror }) => ({
      repositories: openGit(mirror, () => undefined),
      renderer: openRenderer(),
      overriding: argoOverriding,
      directory: openDiskFiles,
    }),
    pipeline: async (options, secrets) => {
      const access = accessFrom(options, process.env);
      if (!access.ok) return access;
      const plain = await openPlain(options);
      if (!plain.ok) return plain;
      const key = await keyOf(plain.value, options.namespace);
      if (!key.ok) return key;
      const settings = await startSettings(plain.value, options.namespace);
      await plain.value.close();
      const cluster = openDirectCluster(
        {
          access: access.value,
          key: key.value,
          namespace: options.namespace,
          ...(settings.ok ? { instanceLabel: settings.value.instanceLabel } : {}),
        },
        log,
        silentMeter,
      );
      const repositories = openGit(options.mirror, secrets);
      const renderer = openRenderer();
      const sealer = createSealer(key.value);
      const views = new ClusterViews({ cluster, sealer, timers: systemTimers }, () => undefined);
      return ok({
        cluster,
        repositories,
        writer: repositories,
        renderer,
        sealer,
        view: (unit) => views.view(unit),
        cutter: openPathCutter({ clock: systemClock, timers: systemTimers }),
        overriding: argoOverriding,
      });
    },
  };
}

/** Who may not read the key plans all the same: Secrets then show as changed where they may not be. */
async function keyOf(cluster: Cluster, namespace: string): Promise<Result<Uint8Array>> {
  const key = await digestKey(cluster, namespace, false);
  return key.ok || key.failure.kind !== 'denied' ? key : ok(new Uint8Array(32));
}

/** The copies of one command's repositories go with it. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'trueup-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
