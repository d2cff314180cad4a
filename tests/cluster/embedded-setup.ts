/** Gives every scenario the same embedded cluster, as global-setup.ts gives them a real control plane. */
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildControlPlane } from './control-plane.ts';
import { startEmbeddedCluster } from './embedded-cluster.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The kubectl of the version that the embedded cluster speaks.
  const kubectl = join(dirname(await buildControlPlane()), 'kubectl');
  const cluster = await startEmbeddedCluster();
  project.provide('kubeconfig', cluster.kubeconfig);
  project.provide('kubectl', kubectl);
  project.provide('nobodyKubeconfig', cluster.nobodyKubeconfig);
  project.provide('auditLog', cluster.auditLog);
  project.provide('hasAdmissionPolicies', false);
  return () => cluster.stop();
}
