/** Every metric that there is: its name, what it tells, its labels. What is not in here is not counted. */

export interface MetricDefinition {
  /** A gauge is read when somebody asks for it: see `Metrics.family`. */
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds, of a histogram. */
  readonly buckets?: readonly number[];
}

const requestBuckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60] as const;

/** Names, labels and buckets of the first ones are Argo CD's and Flux's own: dashboards and alerts rely on them. */
export const metricTable: Readonly<Record<string, MetricDefinition>> = {
  argocd_app_info: {
    kind: 'gauge',
    help: 'How each Application stands; the value is always 1.',
    labels: [
      'autosync_enabled',
      'dest_namespace',
      'dest_server',
      'health_status',
      'name',
      'namespace',
      'operation',
      'project',
      'repo',
      'sync_status',
    ],
  },
  argocd_app_sync_total: {
    kind: 'counter',
    help: 'Syncs of an Application that ended, by phase.',
    labels: ['dest_server', 'dry_run', 'name', 'namespace', 'phase', 'project'],
  },
  argocd_app_reconcile: {
    kind: 'histogram',
    help: 'How long a look at an Application took, in seconds, with what came of it.',
    labels: ['dest_server', 'namespace'],
    buckets: [0.25, 0.5, 1, 2, 4, 8, 16],
  },
  argocd_git_request_total: {
    kind: 'counter',
    help: 'Requests to Git servers, by repository and type.',
    labels: ['repo', 'request_type'],
  },
  argocd_git_request_duration_seconds: {
    kind: 'histogram',
    help: 'How long a request to a Git server took.',
    labels: ['repo', 'request_type'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 10],
  },
  gotk_reconcile_condition: {
    kind: 'gauge',
    help: 'Conditions of resources that have Kubernetes conditions: 1 for the status that holds, 0 for the others.',
    labels: ['kind', 'name', 'namespace', 'status', 'type'],
  },
  gotk_reconcile_duration_seconds: {
    kind: 'histogram',
    help: 'How long a look at a resource took that has Kubernetes conditions, with what came of it.',
    labels: ['kind', 'name', 'namespace'],
    buckets: [0.01, 0.04, 0.15, 0.6, 2.2, 8.5, 33, 126, 480, 1800],
  },
  trueup_http_requests_total: {
    kind: 'counter',
    help: 'Requests to Trueup itself, by method, route and status code.',
    labels: ['code', 'method', 'route'],
  },
  trueup_git_commands_total: {
    kind: 'counter',
    help: 'Git commands that were run, by command and result.',
    labels: ['command', 'result'],
  },
  trueup_git_command_seconds: {
    kind: 'histogram',
    help: 'How long a Git command took.',
    labels: ['command'],
    buckets: requestBuckets,
  },
  trueup_registry_requests_total: {
    kind: 'counter',
    help: 'Requests to repositories of charts and to registries, by host and result.',
    labels: ['host', 'result'],
  },
  trueup_registry_request_seconds: {
    kind: 'histogram',
    help: 'How long a request to a repository of charts or to a registry took.',
    labels: ['host'],
    buckets: requestBuckets,
  },
  trueup_git_polls_total: {
    kind: 'counter',
    help: 'Looks at a remote repository: its refs moved, did not, or it failed.',
    labels: ['result'],
  },
  trueup_kube_requests_total: {
    kind: 'counter',
    help: 'Requests to a Kubernetes API, by verb, resource and status code.',
    labels: ['cluster', 'verb', 'resource', 'code'],
  },
  trueup_kube_request_seconds: {
    kind: 'histogram',
    help: 'How long a request to a Kubernetes API took, with its retries.',
    labels: ['cluster', 'verb', 'resource'],
    buckets: requestBuckets,
  },
  trueup_kube_watch_events_total: {
    kind: 'counter',
    help: 'Events that watches delivered, by type.',
    labels: ['cluster', 'type'],
  },
  trueup_kube_relists_total: {
    kind: 'counter',
    help: 'Lists that a broken or expired watch made necessary, by reason.',
    labels: ['cluster', 'reason'],
  },
  trueup_renders_total: {
    kind: 'counter',
    help: 'Sources that were rendered because something that they read had changed, by result.',
    labels: ['result'],
  },
  trueup_renders_reused_total: {
    kind: 'counter',
    help: 'Sources that were not rendered because what they render to was kept.',
    labels: [],
  },
  trueup_render_store_failures_total: {
    kind: 'counter',
    help: 'Files of rendered output that could not be read or written.',
    labels: ['operation'],
  },
  trueup_runs_total: {
    kind: 'counter',
    help: 'Attempts to bring a Unit to what Git says, by result.',
    labels: ['result'],
  },
};
