/** What every cluster has before anybody touches it. */
import type { Api } from './api.ts';
import type { Registry } from './registry.ts';

const namespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Creates what is missing; a cluster that was used before has it all. */
export function bootstrap(api: Api, registry: Registry): void {
  const ensure = (name: string, namespace: string, manifest: object): void => {
    const resource = registry.find('', 'v1', name)!;
    const { name: called } = (manifest as { readonly metadata: { readonly name: string } }).metadata;
    if (api.find({ resource, namespace, name: called }) !== undefined) return;
    api.create(resource, namespace, JSON.stringify({ apiVersion: 'v1', kind: resource.kind, ...manifest }), {
      manager: 'kube-apiserver',
    });
  };
  for (const name of namespaces) ensure('namespaces', '', { metadata: { name } });
  ensure('services', 'default', {
    metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  });
}
