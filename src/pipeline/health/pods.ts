/** Pods: what their phase says, and what their containers wait for. */
import type { ObjectHealth } from '#model/observed.ts';
import {
  conditionOf,
  explain,
  health,
  healthy,
  listAt,
  numberOf,
  objectAt,
  textOf,
  type Body,
  type HealthRule,
} from './reading.ts';

/** Reasons for waiting that do not go away by waiting: a person has to change something. */
const stuck =
  /^(CrashLoopBackOff|ImagePullBackOff|InvalidImageName|ImageInspectError|RegistryUnavailable|RunContainerError|StartError|.*Err.*)$/;

export const pod: HealthRule = (manifest) => {
  const spec = objectAt(manifest, 'spec');
  const status = objectAt(manifest, 'status');
  // Of pods that some operator restarts itself, as Argo CD has it.
  const isServing = manifest.metadata.annotations?.['argocd.argoproj.io/ignore-restart-policy'] === 'true';
  const restarts = isServing ? 'Always' : textOf(spec['restartPolicy']) || 'Always';
  const containers = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')];
  const phase = textOf(status['phase']);

  if (phase === 'Failed') return health('Degraded', failure(status, containers));
  if (phase === 'Succeeded') return healthy;
  const waiting = containers.map(stuckContainer).find((found) => found !== undefined);
  if (waiting !== undefined) return waiting;
  if (phase === 'Unknown') return health('Unknown', 'The node of the pod does not report');
  if (phase !== 'Running') return pending(manifest);

  // A pod that is to run to its end is well while it runs: it need not be ready to serve.
  if (restarts !== 'Always') return health('Progressing', 'The pod is running to its end');
  const ready = conditionOf(manifest, 'Ready');
  if (ready?.status === 'True') return healthy;
  const crashed = containers.find(
    (container) => numberOf(objectAt(container, 'lastState', 'terminated')['exitCode']) !== 0,
  );
  if (crashed !== undefined && crashed['ready'] !== true)
    return health(
      'Degraded',
      `Container ${textOf(crashed['name'])} ended with ${endOf(objectAt(crashed, 'lastState', 'terminated'))}`,
    );
  return health(
    'Progressing',
    ready === undefined ? 'The pod is not ready yet' : explain(ready, 'The pod is not ready yet'),
  );
};

function stuckContainer(container: Body): ObjectHealth | undefined {
  const waiting = objectAt(container, 'state', 'waiting');
  const reason = textOf(waiting['reason']);
  if (!stuck.test(reason)) return undefined;
  const message = textOf(waiting['message']);
  return health(
    'Degraded',
    `Container ${textOf(container['name'])} is in ${reason}${message === '' ? '' : `: ${message}`}`,
  );
}

function failure(status: Body, containers: readonly Body[]): string {
  const message = textOf(status['message']) || textOf(status['reason']);
  if (message !== '') return `The pod failed: ${message}`;
  for (const container of containers) {
    const terminated = objectAt(container, 'state', 'terminated');
    if (numberOf(terminated['exitCode']) !== 0)
      return `Container ${textOf(container['name'])} ended with ${endOf(terminated)}`;
  }
  return 'The pod failed';
}

function endOf(terminated: Body): string {
  const detail = textOf(terminated['message']) || textOf(terminated['reason']);
  const code = `exit code ${numberOf(terminated['exitCode'])}`;
  return detail === '' || detail === 'Error' ? code : `${code}: ${detail}`;
}

function pending(manifest: Parameters<HealthRule>[0]): ObjectHealth {
  const scheduled = conditionOf(manifest, 'PodScheduled');
  if (scheduled?.status === 'False')
    return health('Progressing', explain(scheduled, 'The pod cannot be scheduled yet'));
  return health('Progressing', 'The pod is starting');
}
