/** Every metric that there is: its name, what it tells, its labels. What is not in here is not counted. */

export interface MetricDefinition {
  readonly kind: 'counter' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds, of a histogram. */
  readonly buckets?: readonly number[];
}

const requestBuckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60] as const;

export const metricTable: Readonly<Record<string, MetricDefinition>> = {
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
