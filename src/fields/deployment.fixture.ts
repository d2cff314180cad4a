/** Captured from kube-apiserver 1.36: a Deployment after our apply, and after four other tools had been at it. */
import type { Manifest } from '#model/object.ts';

/** As it was applied by manager `trueup`. */
export const written: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels: { 'a/b': 'x' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' }, annotations: {} },
      spec: {
        hostNetwork: false,
        nodeSelector: {},
        initContainers: [],
        volumes: [{ name: 'tmp', emptyDir: {} }],
        containers: [
          {
            name: 'web',
            image: 'nginx:1',
            args: ['a', 'b'],
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '' },
            ],
            ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
            resources: { requests: { cpu: '1000m' } },
            volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
          },
        ],
      },
    },
  },
};

/** The response. */
export const applied: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    annotations: { 'deployment.kubernetes.io/revision': '1' },
    labels: { 'a/b': 'x' },
    managedFields: [
      {
        apiVersion: 'apps/v1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:a/b': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:annotations': {}, 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:args': {},
                    'f:env': {
                      'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                      'k:{"name":"B"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                    },
                    'f:image': {},
                    'f:name': {},
                    'f:ports': {
                      'k:{"containerPort":53,"protocol":"UDP"}': {
                        '.': {},
                        'f:containerPort': {},
                        'f:protocol': {},
                      },
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                    },
                    'f:resources': { 'f:requests': { 'f:cpu': {} } },
                    'f:volumeMounts': {
                      'k:{"mountPath":"/tmp"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} },
                    },
                  },
                },
                'f:hostNetwork': {},
                'f:nodeSelector': {},
                'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
              },
            },
          },
        },
        manager: 'trueup',
        operation: 'Apply',
        time: '2026-11-21T15:41:55Z',
      },
    ],
    name: 'web',
    namespace: 'default',
    resourceVersion: '353',
    uid: 'c6d53db2-db31-48c7-82fa-b4f7e739d5ce',
  },
  spec: {
    progressDeadlineSeconds: 600,
    replicas: 2,
    revisionHistoryLimit: 10,
    selector: { matchLabels: { app: 'web' } },
    strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' }, type: 'RollingUpdate' },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            args: ['a', 'b'],
            env: [{ name: 'A', value: '1' }, { name: 'B' }],
            image: 'nginx:1',
            imagePullPolicy: 'IfNotPresent',
            name: 'web',
            ports: [
              { containerPort: 80, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
            resources: { requests: { cpu: '1' } },
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            volumeMounts: [{ mountPath: '/tmp', name: 'tmp' }],
          },
        ],
        dnsPolicy: 'ClusterFirst',
        restartPolicy: 'Always',
        schedulerName: 'default-scheduler',
        securityContext: {},
        terminationGracePeriodSeconds: 30,
        volumes: [{ emptyDir: {}, name: 'tmp' }],
      },
    },
  },
};

/** After `kubectl set env A=2`, `scale --replicas=5`, `annotate`, and a patch of the template's annotations and hostNetwork. */
export const drifted: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    annotations: { 'deployment.kubernetes.io/revision': '3', x: 'y' },
    labels: { 'a/b': 'x' },
    managedFields: [
      {
        apiVersion: 'apps/v1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:a/b': {} } },
          'f:spec': {
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:args': {},
                    'f:env': {
                      'k:{"name":"A"}': { '.': {}, 'f:name': {} },
                      'k:{"name":"B"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                    },
                    'f:image': {},
                    'f:name': {},
                    'f:ports': {
                      'k:{"containerPort":53,"protocol":"UDP"}': {
                        '.': {},
                        'f:containerPort': {},
                        'f:protocol': {},
                      },
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                    },
                    'f:resources': { 'f:requests': { 'f:cpu': {} } },
                    'f:volumeMounts': {
                      'k:{"mountPath":"/tmp"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} },
                    },
                  },
                },
                'f:nodeSelector': {},
                'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
              },
            },
          },
        },
        manager: 'trueup',
        operation: 'Apply',
        time: '2026-11-21T15:41:55Z',
      },
      {
        apiVersion: 'apps/v1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
        manager: 'kubectl',
        operation: 'Update',
        subresource: 'scale',
      },
      {
        apiVersion: 'apps/v1',
        fieldsV1: {
          'f:spec': {
            'f:template': {
              'f:spec': {
                'f:containers': { 'k:{"name":"web"}': { 'f:env': { 'k:{"name":"A"}': { 'f:value': {} } } } },
              },
            },
          },
        },
        manager: 'kubectl-set',
        operation: 'Update',
        time: '2026-11-21T15:41:55Z',
      },
      {
        apiVersion: 'apps/v1',
        fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:x': {} } } },
        manager: 'kubectl-annotate',
        operation: 'Update',
        time: '2026-11-21T15:41:56Z',
      },
      {
        apiVersion: 'apps/v1',
        fieldsV1: {
          'f:spec': {
            'f:template': {
              'f:metadata': { 'f:annotations': { '.': {}, 'f:z': {} } },
              'f:spec': { 'f:hostNetwork': {} },
            },
          },
        },
        manager: 'kubectl-patch',
        operation: 'Update',
        time: '2026-11-21T15:41:56Z',
      },
    ],
    name: 'web',
    namespace: 'default',
    resourceVersion: '444',
    uid: 'c6d53db2-db31-48c7-82fa-b4f7e739d5ce',
  },
  spec: {
    progressDeadlineSeconds: 600,
    replicas: 5,
    revisionHistoryLimit: 10,
    selector: { matchLabels: { app: 'web' } },
    strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' }, type: 'RollingUpdate' },
    template: {
      metadata: { annotations: { z: '1' }, labels: { app: 'web' } },
      spec: {
        containers: [
          {
            args: ['a', 'b'],
            env: [{ name: 'A', value: '2' }, { name: 'B' }],
            image: 'nginx:1',
            imagePullPolicy: 'IfNotPresent',
            name: 'web',
            ports: [
              { containerPort: 80, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
            resources: { requests: { cpu: '1' } },
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            volumeMounts: [{ mountPath: '/tmp', name: 'tmp' }],
          },
        ],
        dnsPolicy: 'ClusterFirst',
        hostNetwork: true,
        restartPolicy: 'Always',
        schedulerName: 'default-scheduler',
        securityContext: {},
        terminationGracePeriodSeconds: 30,
        volumes: [{ emptyDir: {}, name: 'tmp' }],
      },
    },
  },
};

/** The entries of an object that managers `one` and `two` both applied, `two` last and by force. */
export const twoAppliers = [
  {
    apiVersion: 'apps/v1',
    fieldsV1: {
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:args': {},
                'f:env': {
                  'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                  'k:{"name":"B"}': { '.': {}, 'f:name': {} },
                },
                'f:image': {},
                'f:name': {},
                'f:ports': {
                  'k:{"containerPort":53,"protocol":"UDP"}': {
                    '.': {},
                    'f:containerPort': {},
                    'f:protocol': {},
                  },
                  'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                },
                'f:volumeMounts': { 'k:{"mountPath":"/tmp"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} } },
              },
            },
            'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
          },
        },
      },
    },
    manager: 'one',
    operation: 'Apply',
    time: '2026-11-21T15:47:52Z',
  },
  {
    apiVersion: 'apps/v1',
    fieldsV1: {
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:annotations': {}, 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:args': {},
                'f:env': {
                  'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                  'k:{"name":"B"}': { '.': {}, 'f:name': {}, 'f:value': {} },
                },
                'f:image': {},
                'f:name': {},
                'f:ports': {
                  'k:{"containerPort":53,"protocol":"UDP"}': {
                    '.': {},
                    'f:containerPort': {},
                    'f:protocol': {},
                  },
                  'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                },
                'f:resources': { 'f:requests': { 'f:cpu': {} } },
                'f:volumeMounts': { 'k:{"mountPath":"/tmp"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} } },
              },
            },
            'f:hostNetwork': {},
            'f:nodeSelector': {},
            'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
          },
        },
      },
    },
    manager: 'two',
    operation: 'Apply',
    time: '2026-11-21T15:47:52Z',
  },
];
