import { expect, it } from 'vitest';
import { matchesKind } from './kind-glob.ts';

it.each([
  ['cert-manager.io/Certificate', 'cert-manager.io/Certificate', true],
  ['cert-manager.io/Certificate', 'cert-managerxio/Certificate', false],
  ['*.aws.crossplane.io/*', 'ec2.aws.crossplane.io/Instance', true],
  ['*.aws.crossplane.io/*', 'aws.crossplane.io/Instance', false],
  ['ec2.aws.crossplane.io/*', 'ec2.aws.crossplane.io/Instance', true],
  ['*', 'ConfigMap', true],
  ['*', 'apps/Deployment', true],
  ['*/*', 'ConfigMap', false],
  ['**/Bucket', 's3.aws/Bucket', true],
  ['apps/{Deployment,StatefulSet}', 'apps/StatefulSet', true],
  ['apps/{Deployment,StatefulSet}', 'apps/DaemonSet', false],
  ['apps/?eployment', 'apps/Deployment', true],
  ['apps/[A-D]eployment', 'apps/Deployment', true],
  ['apps/[!A-D]eployment', 'apps/Deployment', false],
  ['apps/\\*', 'apps/*', true],
  ['apps/\\*', 'apps/x', false],
  ['a(b)+/*', 'a(b)+/c', true],
  ['apps/[', 'apps/[', true],
  ['[z-a]/x', 'b/x', false],
])('%s and %s: %s', (glob, kind, matches) => expect(matchesKind(glob, kind)).toBe(matches));
