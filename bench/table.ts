/** Results as a table in Markdown, beside the peers' figures, which are all of Kustomize overlays. */
import type { DialectName } from './dialects.ts';
import { peers, type PeerFigures } from './peers.ts';
import type { Report } from './report.ts';
import type { Results } from './workloads.ts';

interface Row {
  readonly title: string;
  readonly peers: Readonly<Record<number, PeerFigures>>;
  readonly figures: (results: Results) => string | undefined;
}

const seconds = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
const cpu = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} CPU-s`;
const count = (value: number): string => value.toLocaleString('en-US');
const requests = (value: number): string => `${count(value)} requests`;

const rows: readonly Row[] = [
  {
    title: 'cold start',
    peers: peers.cold,
    figures: ({ w1 }) =>
      w1 && [seconds(w1.allSyncedS), cpu(w1.cpuS), requests(w1.requests), `${w1.peakMb} MB`].join(', '),
  },
  {
    title: 'one changed: visible',
    peers: peers.oneVisible,
    figures: ({ w2 }) => w2 && `${seconds(w2.visibleS.median)} median, ${seconds(w2.visibleS.max)} max`,
  },
  {
    title: 'one changed: until quiet',
    peers: peers.oneUntilQuiet,
    figures: ({ w2 }) => w2 && `${cpu(w2.cpuS.median)}, ${requests(w2.requests.median)}`,
  },
  {
    title: 'all changed',
    peers: peers.all,
    figures: ({ w3 }) =>
      w3 && [seconds(w3.allSyncedS), cpu(w3.cpuS), requests(w3.requests), `${w3.peakMb} MB`].join(', '),
  },
  {
    title: 'idle, a minute',
    peers: peers.idlePerMinute,
    figures: ({ w4 }) =>
      w4 && `${cpu(w4.cpuSPerMinute)}, ${w4.trueupRequests.writes} writes, ${w4.trueupRequests.reads} reads`,
  },
  {
    title: 'restart: all looked at',
    peers: peers.restart,
    figures: ({ w6 }) =>
      w6 &&
      `${seconds(w6.allLookedAtS)}, ${cpu(w6.cpuS)}, ${requests(w6.requests)}, ${w6.trueupRequests.writes} writes`,
  },
  {
    title: 'manual change healed',
    peers: peers.healed,
    figures: ({ w5 }) =>
      w5 && `${seconds(w5.healedS.median)} median, ${requests(w5.requests.median)}, ${cpu(w5.cpuS.mean)}`,
  },
];

export function tableOf(reports: readonly Report[]): string {
  const groups = Map.groupBy(reports, ({ source, applications }) => `${source} ${applications}`);
  const lines = [...groups.values()].flatMap((group) => {
    const { applications, source } = group[0]!;
    const resultsOf = (name: DialectName): Results =>
      group.find(({ dialect }) => dialect === name)?.results ?? {};
    return rows.flatMap(({ title, peers: figuresOfPeers, figures }) => {
      const [flux, argo] = [figures(resultsOf('flux')), figures(resultsOf('argo'))];
      if (flux === undefined && argo === undefined) return [];
      const of = figuresOfPeers[applications];
      const cells = [`${title}, N=${applications}`, source, of?.flux, flux, of?.argo, argo];
      return [`| ${cells.map((cell) => cell ?? '–').join(' | ')} |`];
    });
  });
  const heads = ['', 'Trueup’s source', 'Flux', 'Trueup, Flux’s resources', 'Argo CD'];
  return [
    `| ${[...heads, 'Trueup, Argo CD’s resources'].join(' | ')} |`,
    `|${'---|'.repeat(heads.length + 1)}`,
    ...lines,
  ].join('\n');
}
