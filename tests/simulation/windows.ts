/** Sync windows: open at some times of each hour, as simulated time passes; and frozen by people for a while. */

export const openMinutes = 4;
export const everyMinutes = 10;
const [openForMs, everyMs] = [openMinutes * 60_000, everyMinutes * 60_000];

/** Of one project; `isFrozen`: nothing is synced at any time. */
export const windows = (isFrozen: boolean): readonly object[] => [
  {
    kind: 'allow',
    schedule: `*/${everyMinutes} * * * *`,
    duration: `${openMinutes}m`,
    applications: ['*'],
    manualSync: true,
  },
  ...(isFrozen ? [{ kind: 'deny', schedule: '* * * * *', duration: '2m', applications: ['*'] }] : []),
];

export const windowedProject = {
  at: {
    group: 'argoproj.io',
    version: 'v1alpha1',
    plural: 'appprojects',
    namespace: 'argocd',
    name: 'windowed',
  },
  manifest: {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'windowed', namespace: 'argocd' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: '*', namespace: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
      syncWindows: windows(false),
    },
  },
};

/** Whether the window was open at some moment of that time, on the clock of whoever judged it. */
export function wasOpen(fromMs: number, untilMs: number): boolean {
  const openedMs = Math.floor(untilMs / everyMs) * everyMs;
  return fromMs < openedMs + openForMs;
}
