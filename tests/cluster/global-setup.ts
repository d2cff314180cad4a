/**
 * Gives every scenario the same real control plane, started before the first and stopped after the last.
 * TRUEUP_TEST_KUBECONFIG names a cluster to use instead; scenarios that count requests in the API server's audit log,
 * or need an identity without rights (TRUEUP_TEST_NOBODY_KUBECONFIG), are then left out where there is none.
 */
import type { TestProject } from 'vitest/node';
import { startControlPlane, systemKubectl } from './control-plane.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of an administrator. */
    kubeconfig: string;
    kubectl: string;
    /** Of somebody without rights; empty where there is none. */
    nobodyKubeconfig: string;
    /** The API server's audit log; empty where there is none. */
    auditLog: string;
    /** Whether it serves admission policies: the embedded cluster does not. */
    hasAdmissionPolicies: boolean;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TRUEUP_TEST_KUBECONFIG'];
  if (given !== undefined && given !== '') {
    project.provide('kubeconfig', given);
    project.provide('kubectl', await systemKubectl());
    project.provide('nobodyKubeconfig', process.env['TRUEUP_TEST_NOBODY_KUBECONFIG'] ?? '');
    project.provide('auditLog', '');
    project.provide('hasAdmissionPolicies', true);
    return async () => {};
  }
  const controlPlane = await startControlPlane({ audit: true });
  project.provide('kubeconfig', controlPlane.kubeconfig);
  project.provide('kubectl', controlPlane.kubectl);
  project.provide('nobodyKubeconfig', controlPlane.nobodyKubeconfig);
  project.provide('auditLog', controlPlane.auditLog ?? '');
  project.provide('hasAdmissionPolicies', true);
  return () => controlPlane.stop();
}
