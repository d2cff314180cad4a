/** Delivery and workflows: Argo, Flux, Flagger, Tekton, Knative, batch frameworks. */
import { condition, field, readyOrDegraded, type KnownKind } from '../known-kind.ts';

const suspended = field('spec.suspend', [true], 'Suspended');

export const delivery: readonly KnownKind[] = [
  {
    of: ['argoproj.io/Rollout'],
    lines: [
      field('status.phase', ['Healthy'], 'Healthy'),
      field('status.phase', ['Degraded'], 'Degraded', 'status.message'),
      field('status.phase', ['Paused'], 'Suspended', 'status.message'),
      field('status.phase', ['Progressing'], 'Progressing', 'status.message'),
    ],
  },
  {
    of: ['argoproj.io/AnalysisRun', 'argoproj.io/Experiment'],
    lines: [
      field('status.phase', ['Successful'], 'Healthy'),
      field('status.phase', ['Failed', 'Error'], 'Degraded', 'status.message'),
      field('status.phase', ['Inconclusive'], 'Unknown', 'status.message'),
      field('status.phase', ['Pending', 'Running'], 'Progressing', 'status.message'),
    ],
  },
  {
    of: ['argoproj.io/ApplicationSet'],
    lines: [
      condition('ErrorOccurred', 'True', 'Degraded'),
      condition('RolloutProgressing', 'True', 'Progressing'),
      condition('ResourcesUpToDate', 'True', 'Healthy'),
      condition('ResourcesUpToDate', 'False', 'Progressing'),
    ],
  },
  {
    of: ['argoproj.io/ImageUpdater', 'argocd-image-updater.argoproj.io/ImageUpdater'],
    lines: [condition('Error', 'True', 'Degraded'), ...readyOrDegraded],
    otherwise: 'Healthy',
  },
  {
    of: ['argoproj.io/Workflow'],
    lines: [
      field('status.phase', ['Succeeded'], 'Healthy'),
      field('status.phase', ['Failed', 'Error'], 'Degraded', 'status.message'),
      field('spec.suspend', [true], 'Suspended'),
      field('status.phase', ['', 'Pending', 'Running'], 'Progressing', 'status.message'),
    ],
  },
  {
    of: ['argoproj.io/CronWorkflow'],
    lines: [
      condition('SpecError', 'True', 'Degraded'),
      condition('SubmissionError', 'True', 'Degraded'),
      suspended,
    ],
    otherwise: 'Healthy',
  },
  {
    of: ['argoproj.io/EventBus', 'argoproj.io/EventSource', 'argoproj.io/Sensor'],
    lines: [
      condition('Configured', 'False', 'Degraded'),
      condition('SourcesProvided', 'False', 'Degraded'),
      condition('DependenciesProvided', 'False', 'Degraded'),
      condition('TriggersProvided', 'False', 'Degraded'),
      condition('Deployed', 'False', 'Degraded'),
      condition('Deployed', 'True', 'Healthy'),
    ],
  },
  {
    of: [
      'kustomize.toolkit.fluxcd.io/Kustomization',
      'helm.toolkit.fluxcd.io/HelmRelease',
      'source.toolkit.fluxcd.io/Bucket',
      'source.toolkit.fluxcd.io/GitRepository',
      'source.toolkit.fluxcd.io/HelmChart',
      'source.toolkit.fluxcd.io/OCIRepository',
      'image.toolkit.fluxcd.io/ImagePolicy',
      'image.toolkit.fluxcd.io/ImageRepository',
      'image.toolkit.fluxcd.io/ImageUpdateAutomation',
      'notification.toolkit.fluxcd.io/Receiver',
    ],
    lines: [
      suspended,
      condition('Stalled', 'True', 'Degraded'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'Unknown', 'Progressing'),
      condition('Ready', 'False', 'Progressing', 'Progressing', 'DependencyNotReady', 'ArtifactFailed'),
      condition('Ready', 'False', 'Degraded'),
    ],
  },
  {
    of: ['source.toolkit.fluxcd.io/HelmRepository'],
    lines: [
      suspended,
      // An OCI registry is not asked by the controller, and has no status.
      field('spec.type', ['oci'], 'Healthy'),
      condition('Stalled', 'True', 'Degraded'),
      ...readyOrDegraded,
    ],
  },
  {
    of: ['flagger.app/Canary'],
    lines: [
      field('status.phase', ['Initialized', 'Succeeded'], 'Healthy'),
      field('status.phase', ['Failed'], 'Degraded'),
      field('status.phase', ['Waiting', 'WaitingPromotion'], 'Suspended'),
      condition('Promoted', 'Unknown', 'Progressing'),
    ],
  },
  {
    of: ['tekton.dev/PipelineRun', 'tekton.dev/TaskRun', 'tekton.dev/CustomRun'],
    lines: [
      condition('Succeeded', 'True', 'Healthy'),
      condition('Succeeded', 'False', 'Degraded'),
      condition('Succeeded', 'Unknown', 'Progressing'),
    ],
  },
  {
    of: [
      'serving.knative.dev/Service',
      'serving.knative.dev/Configuration',
      'serving.knative.dev/Revision',
      'serving.knative.dev/Route',
      'eventing.knative.dev/Broker',
      'eventing.knative.dev/Trigger',
      'operator.knative.dev/KnativeServing',
      'operator.knative.dev/KnativeEventing',
      'serving.kserve.io/InferenceService',
    ],
    lines: readyOrDegraded,
  },
  {
    of: ['kubeflow.org/PyTorchJob', 'kubeflow.org/TFJob', 'kubeflow.org/MPIJob', 'kubeflow.org/XGBoostJob'],
    lines: [
      condition('Failed', 'True', 'Degraded'),
      condition('Succeeded', 'True', 'Healthy'),
      condition('Suspended', 'True', 'Suspended'),
      condition('Running', 'True', 'Progressing'),
    ],
  },
  {
    of: ['sparkoperator.k8s.io/SparkApplication'],
    lines: [
      field('status.applicationState.state', ['COMPLETED'], 'Healthy'),
      field(
        'status.applicationState.state',
        ['FAILED', 'SUBMISSION_FAILED', 'FAILING'],
        'Degraded',
        'status.applicationState.errorMessage',
      ),
      field('status.applicationState.state', ['SUSPENDED'], 'Suspended'),
    ],
  },
  {
    of: ['flink.apache.org/FlinkDeployment', 'flink.apache.org/FlinkSessionJob'],
    lines: [
      field('status.lifecycleState', ['STABLE'], 'Healthy'),
      field('status.lifecycleState', ['FAILED', 'ROLLED_BACK'], 'Degraded', 'status.error'),
      field('status.lifecycleState', ['SUSPENDED'], 'Suspended'),
    ],
  },
  {
    of: ['ray.io/RayCluster'],
    lines: [
      field('spec.suspend', [true], 'Suspended'),
      field('status.state', ['ready'], 'Healthy'),
      field('status.state', ['failed'], 'Degraded', 'status.reason'),
    ],
  },
];
