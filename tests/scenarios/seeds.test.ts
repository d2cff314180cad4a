/** Manifests as people publish them, unmodified: the repository they name is read at a mirror. */
import { describe, expect, it } from 'vitest';
import { createWorkTree } from '../git-server/server.ts';
import { configMap, deployment, yaml } from './manifests.ts';
import { applicationKind, useWorld, waitFor, type Application } from './world.ts';

const paymentsApi = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: payments-api
  namespace: argocd
spec:
  project: production
  source:
    repoURL: https://github.com/acme/k8s-manifests
    targetRevision: main
    path: apps/payments-api/overlays/prod
  destination:
    server: https://kubernetes.default.svc
    namespace: payments
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
      - PrunePropagationPolicy=foreground
    retry:
      limit: 5
      backoff:
        duration: 5s
        factor: 2
        maxDuration: 3m
`;

const directory = 'apps/payments-api/overlays/prod';

describe('the Application of a published guide', () => {
  const world = useWorld({
    controlNamespace: 'argocd',
    arguments: (origin) => ['--mirror', `https://github.com/acme/k8s-manifests=${origin}/k8s-manifests.git`],
  });

  it('syncs, heals and prunes without a change to its manifest', async () => {
    const repository = await createWorkTree(world.git, 'k8s-manifests');
    await repository.write(
      `${directory}/all.yaml`,
      yaml(deployment('payments-api', { replicas: 2 }), configMap('settings', { level: 'info' })),
    );
    const first = await repository.commit('First');
    await repository.push();
    expect((await world.kubectlWith(paymentsApi, 'apply', '-f', '-')).code).toBe(0);
    await synced(first);

    await world.kubectl('-n', 'payments', 'scale', 'deployment', 'payments-api', '--replicas=0');
    await waitFor('the replicas to be healed', async () => {
      const live = await world.api.get('apps/v1/Deployment', 'payments', 'payments-api');
      return live?.['spec'].replicas === 2 ? live : undefined;
    });

    await repository.write(`${directory}/all.yaml`, yaml(deployment('payments-api', { replicas: 2 })));
    const second = await repository.commit('Second');
    await repository.push();
    await world.hint(
      repository,
      {},
      JSON.stringify({ repository: { html_url: 'https://github.com/acme/k8s-manifests' } }),
    );
    await synced(second);
    await waitFor('the ConfigMap to be pruned', async () =>
      (await world.api.get('v1/ConfigMap', 'payments', 'settings')) === undefined ? true : undefined,
    );
  });

  function synced(commit: string): Promise<Application> {
    return waitFor(`payments-api to be Synced at ${commit.slice(0, 8)}`, async () => {
      const found = (await world.api.get(applicationKind, 'argocd', 'payments-api')) as
        | Application
        | undefined;
      const isThere = found?.status?.sync?.status === 'Synced' && found.status.sync.revision === commit;
      return isThere ? found : undefined;
    });
  }
});
