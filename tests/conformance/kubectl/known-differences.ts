/**
 * Where the embedded cluster differs on purpose, or where the tests' control plane is not what a real cluster is. Each
 * stands in docs/reference/embedded-cluster.md as well. What does not differ any more is to be taken out.
 */
export interface KnownDifference {
  readonly because: string;
  /** How the version of kubectl begins, where it is not every one. */
  readonly kubectl?: string;
  readonly lines: readonly string[];
}

export const knownDifferences: readonly KnownDifference[] = [
  { because: 'its version says what it is', lines: ['kubectl version'] },
  { because: "a node of the tests' own", lines: ['kubectl get nodes', 'kubectl describe node'] },
  {
    because: 'no tokens of ServiceAccounts; kwok says less of a pod than a kubelet',
    lines: [
      'kubectl get pod store-0 -o yaml',
      'kubectl describe pod store-0',
      'kubectl describe pod -l app=web',
    ],
  },
  { because: 'quotas are not counted', lines: ['kubectl describe namespace shop'] },
  { because: 'kwok has no logs', lines: ['kubectl logs store-0'] },
  { because: 'there are no metrics', lines: ['kubectl get horizontalpodautoscaler web'] },
  {
    because: 'each kind is there in one version, and kubectl creates another',
    kubectl: 'v1.32.',
    lines: [
      'kubectl autoscale deployment web --min=1 --max=5 --cpu-percent=80',
      'kubectl get horizontalpodautoscaler web -o jsonpath={.spec}',
    ],
  },
  {
    because: 'every Ingress gets an address',
    lines: ['kubectl get ingress web', 'kubectl describe ingress web'],
  },
];
