/** The components that a cluster has besides its API server: what they look after is in docs/reference/embedded-cluster.md. */
import type { Clock, Log, Timers } from '#model/ports.ts';
import type { Api } from './api.ts';
import { Autoscalers } from './controllers/autoscalers.ts';
import { Client } from './controllers/client.ts';
import { CronJobs } from './controllers/cronjobs.ts';
import { DaemonSets } from './controllers/daemonsets.ts';
import { Definitions } from './controllers/definitions.ts';
import { Deployments } from './controllers/deployments.ts';
import { DisruptionBudgets } from './controllers/disruption-budgets.ts';
import { Endpoints } from './controllers/endpoints.ts';
import { Garbage } from './controllers/garbage.ts';
import { Jobs } from './controllers/jobs.ts';
import { Kubelet } from './controllers/kubelet.ts';
import { Ingresses, LoadBalancers } from './controllers/load-balancers.ts';
import { Namespaces } from './controllers/namespaces.ts';
import { ensureNode } from './controllers/node.ts';
import { Recorder } from './controllers/recorder.ts';
import { ReplicaSets } from './controllers/replicasets.ts';
import { Runner } from './controllers/runner.ts';
import { Scheduler } from './controllers/scheduler.ts';
import { StatefulSets } from './controllers/statefulsets.ts';
import { Claims, ensureStorageClass, Volumes } from './controllers/storage.ts';
import type { Registry } from './registry.ts';
import type { Store } from './store.ts';

export interface ControllersParts {
  readonly api: Api;
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}
export interface Controllers {
  /** Ends them where they are; what is stored is where the next ones begin. */
  stop(): void;
}

/** Makes the node and the StorageClass, unless they are there, and runs the controllers until they are stopped. */
export function startControllers(parts: ControllersParts): Controllers {
  const manager = new Client(parts, 'kube-controller-manager');
  const kubelet = new Client(parts, 'kubelet');
  const recorder = new Recorder(manager);
  ensureNode(kubelet);
  ensureStorageClass(manager);
  const runner = new Runner({
    ...parts,
    controllers: [
      recorder,
      new Namespaces(manager),
      new Garbage(manager, parts.registry),
      new Deployments(manager, recorder),
      new ReplicaSets(manager, recorder),
      new StatefulSets(manager, recorder),
      new DaemonSets(manager, recorder),
      new Jobs(manager, recorder),
      new CronJobs(manager, recorder),
      new Claims(manager, recorder),
      new Volumes(manager),
      new Endpoints(manager),
      new LoadBalancers(manager, recorder),
      new Ingresses(manager, recorder),
      new Definitions(new Client(parts, 'kube-apiserver')),
      new DisruptionBudgets(manager),
      new Autoscalers(manager, recorder),
      new Scheduler(new Client(parts, 'kube-scheduler'), recorder),
      new Kubelet(kubelet, recorder),
    ],
  });
  runner.start();
  return runner;
}
