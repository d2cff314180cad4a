/** Networking, scaling, monitoring, clusters and clouds. */
import { condition, field, readyOrDegraded, type KnownKind } from '../known-kind.ts';

export const platform: readonly KnownKind[] = [
  {
    of: ['gateway.networking.k8s.io/GatewayClass'],
    lines: [
      condition('Accepted', 'True', 'Healthy'),
      condition('Accepted', 'False', 'Degraded'),
      condition('Accepted', 'Unknown', 'Progressing'),
    ],
  },
  {
    of: ['gateway.networking.k8s.io/Gateway'],
    lines: [
      condition('Accepted', 'False', 'Degraded'),
      condition('Programmed', 'False', 'Progressing', 'Pending', 'AddressNotAssigned'),
      condition('Programmed', 'False', 'Degraded'),
      condition('Programmed', 'True', 'Healthy'),
    ],
  },
  {
    of: [
      'gateway.networking.k8s.io/GRPCRoute',
      'gateway.networking.k8s.io/HTTPRoute',
      'gateway.networking.k8s.io/TCPRoute',
      'gateway.networking.k8s.io/TLSRoute',
      'gateway.networking.k8s.io/UDPRoute',
    ],
    each: 'status.parents',
    lines: [
      condition('Accepted', 'False', 'Progressing', 'Pending'),
      condition('Accepted', 'False', 'Degraded'),
      condition('ResolvedRefs', 'False', 'Degraded'),
      condition('Accepted', 'True', 'Healthy'),
    ],
  },
  {
    of: ['gateway.networking.k8s.io/BackendTLSPolicy'],
    each: 'status.ancestors',
    lines: [condition('Accepted', 'False', 'Degraded'), condition('Accepted', 'True', 'Healthy')],
  },
  {
    of: ['projectcontour.io/HTTPProxy'],
    lines: [
      field('status.currentStatus', ['valid'], 'Healthy'),
      field('status.currentStatus', ['invalid', 'orphaned'], 'Degraded', 'status.description'),
    ],
  },
  {
    of: ['route.openshift.io/Route'],
    each: 'status.ingress',
    lines: [
      condition('Admitted', 'True', 'Healthy'),
      condition('Admitted', 'False', 'Degraded'),
      condition('Admitted', 'Unknown', 'Progressing'),
    ],
  },
  {
    of: ['install.istio.io/IstioOperator'],
    lines: [
      field('status.status', ['HEALTHY'], 'Healthy'),
      field('status.status', ['ERROR', 'ACTION_REQUIRED'], 'Degraded', 'status.message'),
    ],
  },
  {
    of: [
      'sailoperator.io/Istio',
      'sailoperator.io/IstioCNI',
      'sailoperator.io/IstioRevision',
      'sailoperator.io/ZTunnel',
    ],
    lines: [condition('Reconciled', 'False', 'Degraded'), ...readyOrDegraded],
  },
  {
    of: ['keda.sh/ScaledJob', 'keda.sh/ScaledObject'],
    lines: [
      condition('Paused', 'True', 'Suspended'),
      condition('Fallback', 'True', 'Degraded'),
      ...readyOrDegraded,
    ],
  },
  {
    of: ['karpenter.sh/NodePool', 'karpenter.k8s.aws/EC2NodeClass', 'karpenter.azure.com/AKSNodeClass'],
    lines: readyOrDegraded,
  },
  {
    of: ['karpenter.sh/NodeClaim'],
    lines: [
      condition('Launched', 'False', 'Degraded'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: [
      'monitoring.coreos.com/Alertmanager',
      'monitoring.coreos.com/Prometheus',
      'monitoring.coreos.com/PrometheusAgent',
      'monitoring.coreos.com/ThanosRuler',
    ],
    lines: [
      field('spec.paused', [true], 'Suspended'),
      condition('Reconciled', 'False', 'Degraded'),
      condition('Available', 'Degraded', 'Degraded'),
      condition('Available', 'False', 'Progressing'),
      condition('Available', 'True', 'Healthy'),
    ],
  },
  {
    of: [
      'operator.victoriametrics.com/VMAgent',
      'operator.victoriametrics.com/VMAlert',
      'operator.victoriametrics.com/VMAlertmanager',
      'operator.victoriametrics.com/VMAuth',
      'operator.victoriametrics.com/VMCluster',
      'operator.victoriametrics.com/VMSingle',
    ],
    lines: [
      field('status.updateStatus', ['operational'], 'Healthy'),
      field('status.updateStatus', ['failed'], 'Degraded', 'status.reason'),
      field('status.updateStatus', ['paused'], 'Suspended'),
    ],
  },
  {
    of: ['grafana.integreatly.org/Grafana'],
    lines: [
      field('status.stageStatus', ['failed'], 'Degraded', 'status.lastMessage'),
      field('status.stage', ['complete'], 'Healthy'),
    ],
  },
  {
    of: [
      'grafana.integreatly.org/GrafanaAlertRuleGroup',
      'grafana.integreatly.org/GrafanaDashboard',
      'grafana.integreatly.org/GrafanaDatasource',
      'grafana.integreatly.org/GrafanaFolder',
    ],
    lines: [
      condition('NoMatchingInstance', 'True', 'Degraded'),
      condition('InvalidSpec', 'True', 'Degraded'),
      condition('AlertGroupSynchronized', 'True', 'Healthy'),
      condition('AlertGroupSynchronized', 'False', 'Degraded'),
      condition('DashboardSynchronized', 'True', 'Healthy'),
      condition('DashboardSynchronized', 'False', 'Degraded'),
      condition('DatasourceSynchronized', 'True', 'Healthy'),
      condition('DatasourceSynchronized', 'False', 'Degraded'),
      condition('FolderSynchronized', 'True', 'Healthy'),
      condition('FolderSynchronized', 'False', 'Degraded'),
    ],
  },
  {
    of: ['jaegertracing.io/Jaeger'],
    lines: [field('status.phase', ['Running'], 'Healthy'), field('status.phase', ['Failed'], 'Degraded')],
  },
  {
    of: ['datadoghq.com/DatadogMetric'],
    lines: [
      condition('Error', 'True', 'Degraded'),
      condition('Active', 'False', 'Suspended'),
      condition('Valid', 'True', 'Healthy'),
    ],
  },
  {
    of: ['pkg.crossplane.io/Configuration', 'pkg.crossplane.io/Function', 'pkg.crossplane.io/Provider'],
    lines: [
      condition('Installed', 'False', 'Degraded'),
      condition('Healthy', 'False', 'Degraded'),
      condition('Healthy', 'True', 'Healthy'),
    ],
  },
  {
    of: ['apiextensions.crossplane.io/CompositeResourceDefinition'],
    lines: [
      condition('Established', 'False', 'Progressing'),
      condition('Offered', 'False', 'Progressing'),
      condition('Established', 'True', 'Healthy'),
    ],
  },
  {
    of: ['apiextensions.crossplane.io/*'],
    lines: [],
    otherwise: 'Healthy',
  },
  {
    of: ['*.crossplane.io/ProviderConfig', '*.upbound.io/ProviderConfig', '*/ProviderConfigUsage'],
    lines: [],
    otherwise: 'Healthy',
  },
  {
    // Managed resources; claims and composites have groups of their own, and are known by their conditions.
    of: ['*.crossplane.io/*', '*.upbound.io/*'],
    lines: [
      condition('Synced', 'False', 'Suspended', 'ReconcilePaused'),
      condition('Synced', 'False', 'Degraded'),
      condition('LastAsyncOperation', 'False', 'Degraded'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Progressing', 'Creating', 'Deleting'),
      condition('Ready', 'False', 'Degraded'),
    ],
  },
  {
    of: ['*.services.k8s.aws/*'],
    lines: [
      condition('ACK.Terminal', 'True', 'Degraded'),
      condition('ACK.Recoverable', 'True', 'Degraded'),
      condition('ACK.ResourceSynced', 'True', 'Healthy'),
      condition('ACK.ResourceSynced', 'False', 'Progressing'),
    ],
  },
  {
    of: ['*.cnrm.cloud.google.com/*'],
    lines: [
      condition('Ready', 'True', 'Healthy'),
      condition(
        'Ready',
        'False',
        'Progressing',
        'Updating',
        'DependencyNotReady',
        'DependencyNotFound',
        'Deleting',
      ),
      condition('Ready', 'False', 'Degraded'),
    ],
  },
  {
    of: ['cluster.x-k8s.io/Cluster', 'cluster.x-k8s.io/Machine', 'cluster.x-k8s.io/MachineDeployment'],
    lines: [
      field('spec.paused', [true], 'Suspended'),
      field('status.phase', ['Failed'], 'Degraded', 'status.failureMessage'),
      condition('Available', 'True', 'Healthy'),
      condition('Ready', 'True', 'Healthy'),
      condition('Available', 'False', 'Progressing'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: ['kubevirt.io/VirtualMachine'],
    lines: [
      field('status.printableStatus', ['Running'], 'Healthy'),
      field('status.printableStatus', ['Stopped', 'Paused'], 'Suspended'),
      field(
        'status.printableStatus',
        [
          'CrashLoopBackOff',
          'DataVolumeError',
          'ErrImagePull',
          'ErrorDataVolumeNotFound',
          'ErrorPvcNotFound',
          'ErrorUnschedulable',
          'ImagePullBackOff',
        ],
        'Degraded',
      ),
    ],
  },
  {
    of: ['kubevirt.io/VirtualMachineInstance'],
    lines: [
      field('status.phase', ['Failed'], 'Degraded'),
      field('status.phase', ['Succeeded'], 'Healthy'),
      condition('Paused', 'True', 'Suspended'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: ['cdi.kubevirt.io/DataVolume'],
    lines: [
      field('status.phase', ['Succeeded'], 'Healthy'),
      field('status.phase', ['Failed', 'Unknown'], 'Degraded'),
      field('status.phase', ['Paused', 'WaitForFirstConsumer', 'PendingPopulation'], 'Suspended'),
    ],
  },
  {
    of: ['operators.coreos.com/ClusterServiceVersion'],
    lines: [
      field('status.phase', ['Succeeded'], 'Healthy'),
      field('status.phase', ['Failed'], 'Degraded', 'status.message'),
      field('status.phase', ['Pending', 'InstallReady', 'Installing'], 'Progressing', 'status.message'),
    ],
  },
  {
    of: ['operators.coreos.com/InstallPlan'],
    lines: [
      field('status.phase', ['Complete'], 'Healthy'),
      field('status.phase', ['Failed'], 'Degraded', 'status.message'),
      field('status.phase', ['RequiresApproval'], 'Suspended'),
    ],
  },
  {
    of: ['operators.coreos.com/Subscription'],
    lines: [
      condition('CatalogSourcesUnhealthy', 'True', 'Degraded'),
      condition('InstallPlanFailed', 'True', 'Degraded'),
      condition('ResolutionFailed', 'True', 'Degraded'),
      condition('BundleUnpackFailed', 'True', 'Degraded'),
      condition('InstallPlanPending', 'True', 'Suspended', 'RequiresApproval'),
      condition('InstallPlanPending', 'True', 'Progressing'),
      field('status.state', ['AtLatestKnown'], 'Healthy'),
    ],
  },
];
