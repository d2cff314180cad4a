import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Health } from '#model/observed.ts';
import { refOf, type Manifest } from '#model/object.ts';
import { healthOf, healthOrder, judgeHealth, reportOf } from './health.ts';

const apiVersions: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Ingress: 'networking.k8s.io/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  PodDisruptionBudget: 'policy/v1',
  APIService: 'apiregistration.k8s.io/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  Application: 'argoproj.io/v1alpha1',
  Widget: 'example.com/v1',
};
function object(kind: string, spec: object = {}, status: object = {}, metadata: object = {}): Manifest {
  return {
    apiVersion: apiVersions[kind] ?? 'v1',
    kind,
    metadata: { name: 'x', generation: 2, ...metadata },
    spec,
    status,
  };
}
const condition = (type: string, status: string, reason = '', message = ''): object => ({
  type,
  status,
  reason,
  message,
});
const seen = { observedGeneration: 2 };
const done = { ...seen, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
const waiting = (reason: string, message = ''): object => ({
  phase: 'Running',
  containerStatuses: [{ name: 'web', state: { waiting: { reason, message } } }],
});
/** A CronJob that was started last and that succeeded last at these times of one day. */
const cronJob = (started: string, succeeded?: string, active: readonly object[] = []): Manifest =>
  object('CronJob', {}, cronStatus(started, succeeded, active));
const cronStatus = (started: string, succeeded?: string, active: readonly object[] = []): object => ({
  lastScheduleTime: `2026-01-02T${started}:00Z`,
  ...(succeeded === undefined ? {} : { lastSuccessfulTime: `2026-01-02T${succeeded}:00Z` }),
  ...(active.length === 0 ? {} : { active }),
});

const cases: readonly (readonly [string, Manifest, Health, string?])[] = [
  ['a Deployment that is rolled out', object('Deployment', { replicas: 3 }, done), 'Healthy'],
  ['a Deployment scaled to nothing', object('Deployment', { replicas: 0 }, seen), 'Healthy'],
  [
    'a Deployment not seen yet',
    object('Deployment', { replicas: 3 }, { ...done, observedGeneration: 1 }),
    'Progressing',
    'latest change',
  ],
  ['a Deployment without a status', object('Deployment', { replicas: 3 }), 'Progressing', 'latest change'],
  ['a paused Deployment', object('Deployment', { replicas: 3, paused: true }, done), 'Suspended', 'paused'],
  [
    'a Deployment past its deadline',
    object(
      'Deployment',
      {},
      {
        ...seen,
        conditions: [
          condition(
            'Progressing',
            'False',
            'ProgressDeadlineExceeded',
            'ReplicaSet "x" has timed out progressing.',
          ),
        ],
      },
    ),
    'Degraded',
    'timed out',
  ],
  [
    'a Deployment whose pods quota forbids',
    object(
      'Deployment',
      {},
      { ...seen, conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota')] },
    ),
    'Degraded',
    'exceeded quota.',
  ],
  [
    'a Deployment being updated',
    object('Deployment', { replicas: 3 }, { ...done, updatedReplicas: 1 }),
    'Progressing',
    '1 of 3 replicas are updated',
  ],
  [
    'a Deployment with old pods',
    object('Deployment', { replicas: 3 }, { ...done, replicas: 4 }),
    'Progressing',
    '1 old replica must still terminate',
  ],
  [
    'a Deployment not available',
    object('Deployment', { replicas: 3 }, { ...done, availableReplicas: 2 }),
    'Progressing',
    '2 of 3 updated replicas are available',
  ],

  [
    'a StatefulSet that is rolled out',
    object('StatefulSet', { replicas: 3 }, { ...done, updateRevision: 'a', currentRevision: 'a' }),
    'Healthy',
  ],
  [
    'a StatefulSet not ready',
    object('StatefulSet', { replicas: 3 }, { ...done, readyReplicas: 1 }),
    'Progressing',
    '1 of 3',
  ],
  [
    'a StatefulSet being updated',
    object('StatefulSet', { replicas: 3 }, { ...done, updatedReplicas: 1 }),
    'Progressing',
    'updated',
  ],
  [
    'a StatefulSet updated to its partition',
    object(
      'StatefulSet',
      { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
      { ...done, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    ),
    'Healthy',
  ],
  [
    'a StatefulSet that people update',
    object(
      'StatefulSet',
      { replicas: 3, updateStrategy: { type: 'OnDelete' } },
      { ...done, updatedReplicas: 0 },
    ),
    'Healthy',
  ],

  [
    'a DaemonSet that is everywhere',
    object(
      'DaemonSet',
      {},
      { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 },
    ),
    'Healthy',
  ],
  [
    'a DaemonSet being updated',
    object(
      'DaemonSet',
      {},
      { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 },
    ),
    'Progressing',
    '1 of 2 pods are updated',
  ],
  [
    'a DaemonSet not available',
    object('DaemonSet', {}, { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 2 }),
    'Progressing',
    '0 of 2 pods are available',
  ],
  ['a ReplicaSet', object('ReplicaSet', { replicas: 3 }, done), 'Healthy'],
  ['a ReplicaSet not available', object('ReplicaSet', { replicas: 4 }, done), 'Progressing', '3 of 4'],

  [
    'a ready Pod',
    object('Pod', {}, { phase: 'Running', conditions: [condition('Ready', 'True')] }),
    'Healthy',
  ],
  [
    'a Pod not ready',
    object(
      'Pod',
      {},
      {
        phase: 'Running',
        conditions: [
          condition('Ready', 'False', 'ContainersNotReady', 'containers with unready status: [web]'),
        ],
      },
    ),
    'Progressing',
    'unready',
  ],
  ['a pending Pod', object('Pod', {}, { phase: 'Pending' }), 'Progressing', 'starting'],
  [
    'a Pod that fits nowhere',
    object(
      'Pod',
      {},
      {
        phase: 'Pending',
        conditions: [condition('PodScheduled', 'False', 'Unschedulable', '0/3 nodes are available')],
      },
    ),
    'Progressing',
    '0/3 nodes are available.',
  ],
  [
    'a Pod in a crash loop',
    object('Pod', {}, waiting('CrashLoopBackOff', 'back-off 5m0s')),
    'Degraded',
    'Container web is in CrashLoopBackOff: back-off 5m0s.',
  ],
  [
    'a Pod without its image',
    object('Pod', {}, { ...waiting('ErrImagePull', 'not found'), phase: 'Pending' }),
    'Degraded',
    'ErrImagePull',
  ],
  [
    'a Pod that backs off its image',
    object('Pod', {}, { ...waiting('ImagePullBackOff'), phase: 'Pending' }),
    'Degraded',
    'ImagePullBackOff',
  ],
  [
    'a Pod without its ConfigMap',
    object(
      'Pod',
      {},
      { ...waiting('CreateContainerConfigError', 'configmap "c" not found'), phase: 'Pending' },
    ),
    'Degraded',
    'configmap',
  ],
  [
    'a Pod whose container is created',
    object('Pod', {}, { ...waiting('ContainerCreating'), phase: 'Pending' }),
    'Progressing',
  ],
  [
    'a Pod that failed',
    object('Pod', {}, { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }),
    'Degraded',
    'low on memory',
  ],
  [
    'a Pod whose container failed',
    object(
      'Pod',
      {},
      {
        phase: 'Failed',
        containerStatuses: [{ name: 'web', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
      },
    ),
    'Degraded',
    'exit code 137: OOMKilled.',
  ],
  ['a Pod that has run', object('Pod', { restartPolicy: 'Never' }, { phase: 'Succeeded' }), 'Healthy'],
  [
    'a Pod that runs to its end',
    object('Pod', { restartPolicy: 'Never' }, { phase: 'Running' }),
    'Progressing',
    'running to its end',
  ],

  [
    'a Pod that some operator restarts',
    object(
      'Pod',
      { restartPolicy: 'Never' },
      { phase: 'Running', conditions: [condition('Ready', 'True')] },
      { annotations: { 'argocd.argoproj.io/ignore-restart-policy': 'true' } },
    ),
    'Healthy',
  ],

  ['a Job that is done', object('Job', {}, { conditions: [condition('Complete', 'True')] }), 'Healthy'],
  [
    'a Job that failed',
    object(
      'Job',
      {},
      {
        conditions: [
          condition('Failed', 'True', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
        ],
      },
    ),
    'Degraded',
    'backoff limit',
  ],
  [
    'a Job that runs',
    object('Job', { completions: 4 }, { succeeded: 1 }),
    'Progressing',
    '1 of 4 completions',
  ],
  ['a suspended Job', object('Job', { suspend: true }), 'Suspended'],
  ['a CronJob', object('CronJob'), 'Healthy'],
  ['a CronJob whose last run succeeded', cronJob('01:00', '01:05'), 'Healthy'],
  ['a CronJob whose last run failed', cronJob('02:00', '01:05'), 'Degraded', 'last run did not succeed'],
  ['a CronJob that runs after one that failed', cronJob('02:00', '01:05', [{ name: 'x' }]), 'Healthy'],
  ['a CronJob that never succeeded', cronJob('01:00'), 'Healthy'],
  ['a suspended CronJob', object('CronJob', { suspend: true }), 'Suspended'],
  [
    'a suspended CronJob whose last run failed',
    object('CronJob', { suspend: true }, cronStatus('02:00', '01:05')),
    'Suspended',
  ],

  ['a Service inside', object('Service', { type: 'ClusterIP' }), 'Healthy'],
  [
    'a load balancer without an address',
    object('Service', { type: 'LoadBalancer' }),
    'Progressing',
    'no address',
  ],
  [
    'a load balancer',
    object('Service', { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
    'Healthy',
  ],
  ['an Ingress without an address', object('Ingress'), 'Progressing'],
  ['an Ingress', object('Ingress', {}, { loadBalancer: { ingress: [{ hostname: 'a' }] } }), 'Healthy'],
  ['a bound claim', object('PersistentVolumeClaim', {}, { phase: 'Bound' }), 'Healthy'],
  ['a pending claim', object('PersistentVolumeClaim', {}, { phase: 'Pending' }), 'Progressing'],
  ['a lost claim', object('PersistentVolumeClaim', {}, { phase: 'Lost' }), 'Degraded'],
  [
    'a failed volume',
    object('PersistentVolume', {}, { phase: 'Failed', message: 'no plugin' }),
    'Degraded',
    'no plugin',
  ],
  ['a bound volume', object('PersistentVolume', {}, { phase: 'Bound' }), 'Healthy'],

  [
    'an autoscaler at work',
    object(
      'HorizontalPodAutoscaler',
      {},
      { conditions: [condition('AbleToScale', 'True'), condition('ScalingActive', 'True')] },
    ),
    'Healthy',
  ],
  [
    'an autoscaler without metrics',
    object(
      'HorizontalPodAutoscaler',
      {},
      {
        conditions: [
          condition('AbleToScale', 'True'),
          condition('ScalingActive', 'False', 'FailedGetResourceMetric', 'no metrics'),
        ],
      },
    ),
    'Degraded',
    'no metrics',
  ],
  [
    'an autoscaler of nothing',
    object(
      'HorizontalPodAutoscaler',
      {},
      {
        conditions: [
          condition('AbleToScale', 'True'),
          condition('ScalingActive', 'False', 'ScalingDisabled'),
        ],
      },
    ),
    'Healthy',
  ],
  ['a new autoscaler', object('HorizontalPodAutoscaler'), 'Progressing'],
  ['a budget', object('PodDisruptionBudget', {}, seen), 'Healthy'],
  ['an API service', object('APIService', {}, { conditions: [condition('Available', 'True')] }), 'Healthy'],
  [
    'an API service without its server',
    object(
      'APIService',
      {},
      { conditions: [condition('Available', 'False', 'MissingEndpoints', 'no endpoints')] },
    ),
    'Progressing',
    'no endpoints',
  ],
  [
    'an established definition',
    object(
      'CustomResourceDefinition',
      {},
      { conditions: [condition('Established', 'True'), condition('NamesAccepted', 'True')] },
    ),
    'Healthy',
  ],
  [
    'a definition whose names are taken',
    object(
      'CustomResourceDefinition',
      {},
      { conditions: [condition('NamesAccepted', 'False', 'PluralConflict', 'name in use')] },
    ),
    'Degraded',
    'name in use',
  ],
  ['a new definition', object('CustomResourceDefinition'), 'Progressing', 'established'],
  ['a Namespace', object('Namespace', {}, { phase: 'Active' }), 'Healthy'],
  [
    'a Namespace that goes',
    object(
      'Namespace',
      {},
      {
        phase: 'Terminating',
        conditions: [
          condition(
            'NamespaceContentRemaining',
            'True',
            'SomeResourcesRemain',
            'pods. has 1 resource instances',
          ),
        ],
      },
    ),
    'Progressing',
    '1 resource instances',
  ],

  ['an Application', object('Application', {}, { health: { status: 'Healthy' } }), 'Healthy'],
  ['a degraded Application', object('Application', {}, { health: { status: 'Degraded' } }), 'Degraded'],
  ['a new Application', object('Application'), 'Progressing'],

  ['a ConfigMap', object('ConfigMap'), 'Healthy'],
  ['a custom object that says nothing', object('Widget', {}, { anything: [1] }), 'Healthy'],
  [
    'a custom object not seen yet',
    object('Widget', {}, { observedGeneration: 1, conditions: [condition('Ready', 'True')] }),
    'Progressing',
  ],
  ['a ready custom object', object('Widget', {}, { conditions: [condition('Ready', 'True')] }), 'Healthy'],
  [
    'a reconciling one',
    object(
      'Widget',
      {},
      {
        conditions: [
          condition('Reconciling', 'True', 'Progressing', 'building'),
          condition('Ready', 'Unknown'),
        ],
      },
    ),
    'Progressing',
    'building',
  ],
  [
    'a stalled one',
    object(
      'Widget',
      {},
      { conditions: [condition('Stalled', 'True', 'Bad', 'no such chart'), condition('Ready', 'False')] },
    ),
    'Degraded',
    'no such chart',
  ],
  [
    'one that is not ready',
    object('Widget', {}, { conditions: [condition('Ready', 'False', 'Waiting')] }),
    'Progressing',
    'Waiting',
  ],
  [
    'one that failed',
    object('Widget', {}, { conditions: [condition('Ready', 'False', 'BuildFailed', 'boom')] }),
    'Degraded',
    'boom',
  ],
  [
    'one that does not know',
    object('Widget', {}, { conditions: [condition('Ready', 'Unknown')] }),
    'Progressing',
  ],

  [
    'a deleted object that waits for finalizers (F27)',
    object('Widget', {}, {}, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a.io/b', 'c.io/d'] }),
    'Progressing',
    'finalizers a.io/b, c.io/d',
  ],
  [
    'a deleted object',
    object('Deployment', {}, done, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    'Progressing',
    'being deleted',
  ],
];

describe('health', () => {
  it.each(cases.map(([title, manifest, status, message]) => ({ title, manifest, status, message })))(
    'of $title',
    ({ manifest, status, message }) => {
      const health = healthOf(manifest);
      expect(health.status).toBe(status);
      if (status === 'Healthy') expect(health).not.toHaveProperty('message');
      else expect(health.message).toMatch(/[.!?…]$/);
      if (message !== undefined) expect(health.message).toContain(message);
    },
  );
  it('never throws, whatever a status holds (F28)', () => {
    const kinds = [
      ...Object.keys(apiVersions),
      'Pod',
      'Service',
      'Namespace',
      'PersistentVolumeClaim',
      'ConfigMap',
    ];
    const junk = fc.dictionary(
      fc.constantFrom(
        'conditions',
        'phase',
        'containerStatuses',
        'loadBalancer',
        'health',
        'observedGeneration',
        'replicas',
      ),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...kinds), junk, junk, (kind, spec, status) => {
        expect(healthOrder).toContain(healthOf(object(kind, spec, status)).status);
      }),
    );
    expect(healthOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: null }).status).toBe(
      'Progressing',
    );
  });
});

describe('the rule that decided', () => {
  it.each([
    [object('Deployment', {}, done), 'the rule of apps/Deployment'],
    [object('Pod', {}, { phase: 'Failed' }), 'the rule of Pod'],
    [object('Application', {}, {}), 'the rule of argoproj.io/Application, which does not count'],
    [object('Widget', {}, {}), 'the conventions of kstatus'],
    [object('Widget', {}, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'it is being deleted'],
  ])('is named', (manifest, rule) => expect(judgeHealth(manifest).rule).toBe(rule));

  it.each([
    ['ReconcileError', 'Degraded', 'no such subnet.'],
    ['ReconcilePaused', 'Suspended', 'no such subnet.'],
  ])("a claim of Crossplane's, whose group is anybody's: %s is %s", (reason, status, message) => {
    const conditions = [condition('Synced', 'False', reason, 'no such subnet'), condition('Ready', 'True')];
    const claim = {
      ...object('PostgreSQLInstance', {}, { conditions }),
      apiVersion: 'database.example.com/v1alpha1',
    };
    expect(judgeHealth(claim).health).toEqual({ status, message });
  });
});

describe('the report', () => {
  const entry = (name: string, status: Health, message?: string) => ({
    ref: { ...refOf(object('Widget')), name },
    health: { status, ...(message === undefined ? {} : { message }) },
  });
  it('is as bad as the worst object, and says which and why', () => {
    const report = reportOf([
      entry('a', 'Healthy'),
      entry('b', 'Degraded', 'It broke.'),
      entry('c', 'Progressing', 'It moves.'),
      entry('d', 'Degraded', 'It broke too.'),
    ]);
    expect(report.overall).toBe('Degraded');
    expect(report.because).toMatchObject({ object: { name: 'b' }, sentence: 'It broke.' });
    expect(report.objects.map(({ ref, status }) => [ref.name, status])).toEqual([
      ['a', 'Healthy'],
      ['b', 'Degraded'],
      ['c', 'Progressing'],
      ['d', 'Degraded'],
    ]);
  });
  it('of nothing is Healthy, without a reason', () => {
    expect(reportOf([])).toEqual({ overall: 'Healthy', objects: [] });
    expect(reportOf([entry('a', 'Healthy')])).not.toHaveProperty('because');
  });
  it('leaves out what does not count, and shows it', () => {
    const silent = entry('b', 'Degraded', 'It broke.');
    const report = reportOf([
      entry('a', 'Progressing', 'It moves.'),
      { ...silent, health: { ...silent.health, counts: false } },
    ]);
    expect(report.overall).toBe('Progressing');
    expect(report.objects.map(({ status }) => status)).toEqual(['Progressing', 'Degraded']);
  });
  it('takes what is not known for the worst', () => {
    expect(reportOf([entry('a', 'Unknown'), entry('b', 'Degraded', 'x.')]).overall).toBe('Unknown');
    expect(reportOf([entry('a', 'Suspended'), entry('b', 'Missing')]).because?.sentence).toBe(
      'It is Missing.',
    );
  });
});
