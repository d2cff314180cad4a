/** What waits for an address from outside: Services of type LoadBalancer, and Ingresses. */
import { health, healthy, listAt, objectAt, textOf, type HealthRule } from './reading.ts';

export const service: HealthRule = (manifest) => {
  if (textOf(objectAt(manifest, 'spec')['type']) !== 'LoadBalancer') return healthy;
  return listAt(objectAt(manifest, 'status', 'loadBalancer'), 'ingress').length > 0
    ? healthy
    : health('Progressing', 'The load balancer has no address yet');
};

export const ingress: HealthRule = (manifest) =>
  listAt(objectAt(manifest, 'status', 'loadBalancer'), 'ingress').length > 0
    ? healthy
    : health('Progressing', 'No ingress controller has given it an address yet');
