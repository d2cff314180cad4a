/** What a newcomer is told once everything runs: three things that work by copy and paste. */
import path from 'node:path';
import { exampleName } from './first-run.ts';

export interface Surroundings {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly kubeconfig: string;
  readonly repo?: string;
}

export function thingsToTry({ scheme, port, kubeconfig, repo }: Surroundings): string {
  const shown = path.relative('', kubeconfig);
  const file = shown.startsWith('..') ? kubeconfig : shown;
  const authority = path.join(path.dirname(file), 'ca.crt');
  const lines =
    repo === undefined
      ? [
          ...(scheme === 'https' ? [`  export GIT_SSL_CAINFO=$PWD/${authority}`.replace('$PWD//', '/')] : []),
          ...exampleThings(`${scheme}://127.0.0.1:${port}/git/${exampleName}.git`),
        ]
      : [`  kubectl get applications -n argocd    # what became of ${repo}`];
  return [
    '',
    'In another terminal, here:',
    `  export KUBECONFIG=$PWD/${file}`.replace('$PWD//', '/'),
    ...lines,
    '',
  ].join('\n');
}

function exampleThings(address: string): readonly string[] {
  return [
    '',
    '1. Push a change, and see it arrive:',
    `  git clone ${address}`,
    `  echo "OPEN=always" >> ${exampleName}/shop/base/shop.properties`,
    `  git -C ${exampleName} commit -am "Always open" && git -C ${exampleName} push`,
    '  kubectl get configmaps -n shop-prod',
    '',
    '2. Break something, and see it healed, and who did it:',
    '  kubectl scale deployment web -n web --replicas=5',
    '  kubectl get deployment web -n web && bin/trueup app history web',
    '',
    '3. Revert the commit, and be back:',
    `  git -C ${exampleName} revert --no-edit HEAD && git -C ${exampleName} push`,
    '  kubectl get configmaps -n shop-prod',
  ];
}
