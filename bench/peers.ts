/**
 * What the peers needed for the same workloads on the same two cores. They rendered Kustomize overlays. "busy": the
 * time was taken while others used the machine as well.
 *
 * Flux: kustomize-controller 1.9.4 with --concurrent=20, source-controller 1.9.1 with 10, 500 requests a second.
 * Argo CD: 3.5.1 with 50 status and 25 operation processors, 500 requests a second, webhook, manifest-generate-paths.
 * Kubernetes 1.36.3; measured by the harness that this one is made after.
 */

export interface PeerFigures {
  readonly flux: string;
  readonly argo: string;
}

/** By the row of the table, then by the number of applications. */
export const peers = {
  cold: {
    100: {
      flux: '14.5 s, 15 CPU-s, 3,154 requests, 236 MB',
      argo: '63 s (busy), 57 CPU-s, 4,729 requests, 830 MB',
    },
    500: {
      flux: '93 s, 107 CPU-s, 15,758 requests, 276 MB',
      argo: '194 s, 273 CPU-s, 23,236 requests, 1,013 MB',
    },
  },
  oneVisible: {
    100: { flux: '5.8 s median, 10.8 s max', argo: '0.89 s median, 1.18 s max' },
    500: { flux: '44–68 s median, 106 s max', argo: '0.96 s' },
  },
  oneUntilQuiet: {
    100: { flux: '14 CPU-s, 1,721 requests', argo: '1.0 CPU-s, 47 requests' },
    500: { flux: '113 CPU-s', argo: '1.8–4.9 CPU-s, 60–146 requests' },
  },
  all: {
    100: {
      flux: '14.7 s, 16 CPU-s, 2,853 requests',
      argo: '73 s (busy), 65 CPU-s, 3,728 requests, 1,723 MB',
    },
  },
  idlePerMinute: {
    500: {
      flux: '0.31 CPU-s (no resync in it; a 10 min interval adds about 7.5)',
      argo: '6.6 CPU-s, 168 patches',
    },
  },
  restart: {
    100: { flux: '24 s (busy), 15 CPU-s, 1,705 requests', argo: 'trusts the stored status for 2 minutes' },
  },
  healed: {
    100: { flux: 'at the interval (it watches nothing)', argo: '0.43 s median, 20 requests, 0.38 CPU-s' },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<number, PeerFigures>>>>;
