/** Counters and durations, for /metrics, in Prometheus' text format. */
import { setImmediate } from 'node:timers/promises';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter } from '#model/ports.ts';
import { measureLoopDelay } from './loop-delay.ts';
import { metricTable, type MetricDefinition } from './metric-table.ts';

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** What a counter or histogram has told of: what is not in here is new. By the label `name`, to forget fast. */
interface Series {
  count: number;
  readonly byName: Map<string, Map<string, Labels>>;
}

/** Of one metric, so that no number of objects makes /metrics unreadable. */
export const seriesMax = 50_000;
const samplesAtOnce = 1000;

/**
 * A Meter over a table of definitions. A name, or a label, that the table lacks is a slip of ours, but no reason to
 * stop reconciling: it is counted in `trueup_undeclared_metrics_total`, where a test and an operator see it.
 */
export class Metrics implements Meter {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #definitions: Readonly<Record<string, MetricDefinition>>;
  readonly #undeclared: Counter;
  readonly #dropped: Counter;
  readonly #series = new Map<string, Series>();
  readonly #families = new Map<string, () => Iterable<Sample>>();
  readonly #seriesMax: number;

  constructor(
    definitions: Readonly<Record<string, MetricDefinition>> = metricTable,
    ofOneMetric: number = seriesMax,
  ) {
    this.#definitions = definitions;
    this.#seriesMax = ofOneMetric;
    this.#dropped = new Counter({
      name: 'trueup_metric_series_dropped_total',
      help: 'Uses of a metric that has as many series as one metric may have.',
      labelNames: ['name'],
      registers: [this.#registry],
    });
    this.#undeclared = new Counter({
      name: 'trueup_undeclared_metrics_total',
      help: 'Uses of a metric or label that is not declared: a bug of ours.',
      labelNames: ['name'],
      registers: [this.#registry],
    });
    for (const [name, definition] of Object.entries(definitions)) {
      const options = {
        name,
        help: definition.help,
        labelNames: [...definition.labels],
        registers: [this.#registry],
      };
      if (definition.kind === 'counter') this.#counters.set(name, new Counter(options));
      else if (definition.kind === 'histogram')
        this.#histograms.set(
          name,
          new Histogram({ ...options, ...(definition.buckets && { buckets: [...definition.buckets] }) }),
        );
    }
  }

  count(name: string, labels: Labels = {}, by = 1): void {
    const counter = this.#counters.get(name);
    if (counter === undefined || !this.#declared(name, labels)) this.#undeclared.inc({ name });
    else if (this.#hasRoom(name, labels)) counter.inc({ ...labels }, by);
  }

  observe(name: string, seconds: number, labels: Labels = {}): void {
    const histogram = this.#histograms.get(name);
    if (histogram === undefined || !this.#declared(name, labels)) this.#undeclared.inc({ name });
    else if (this.#hasRoom(name, labels)) histogram.observe({ ...labels }, seconds);
  }

  /** A value that is read when somebody asks for it: the length of a queue, the size of a cache. */
  gauge(name: string, help: string, read: () => number): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    this.#registry.registerMetric(gauge);
  }

  /** A gauge of the table, with a series for each sample that `read` gives when somebody asks. */
  family(name: string, read: () => Iterable<Sample>): void {
    const definition = this.#definitions[name];
    if (definition?.kind !== 'gauge') {
      this.#undeclared.inc({ name });
      return;
    }
    this.#families.set(name, read);
  }

  /** What a metric tells of something that is no more goes with it; `name` is given where the metric has such a label. */
  forget(name: string, labels: Labels): void {
    const metric = this.#counters.get(name) ?? this.#histograms.get(name);
    const series = this.#series.get(name);
    const found = series?.byName.get(labels['name'] ?? '');
    if (series === undefined || found === undefined) return;
    for (const [key, own] of found) {
      if (!Object.entries(labels).every(([label, value]) => own[label] === value)) continue;
      found.delete(key);
      series.count -= 1;
      metric?.remove({ ...own });
    }
    if (found.size === 0) series.byName.delete(labels['name'] ?? '');
  }

  /** CPU, memory and loop delay of this process; only for the one that is the process's own. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 60_000 });
    measureLoopDelay(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
  /** In parts, between which others have their turn: thousands of series take their time (F16). */
  async text(): Promise<string> {
    const parts: string[] = [];
    for (const [name, read] of this.#families) {
      const { help } = this.#definitions[name]!;
      parts.push(`# HELP ${name} ${help}\n# TYPE ${name} gauge`);
      let count = 0;
      for (const sample of read()) {
        count += 1;
        if (count > this.#seriesMax) this.#dropped.inc({ name });
        else parts.push(sampleLine(name, sample));
        if (count % samplesAtOnce === 0) await setImmediate();
      }
    }
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name));
      await setImmediate();
    }
    return `${parts.join('\n')}\n`;
  }

  #hasRoom(name: string, labels: Labels): boolean {
    const series = this.#series.get(name) ?? { count: 0, byName: new Map<string, Map<string, Labels>>() };
    this.#series.set(name, series);
    const ofName = series.byName.get(labels['name'] ?? '');
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    if (ofName?.has(key) === true) return true;
    if (series.count >= this.#seriesMax) {
      this.#dropped.inc({ name });
      return false;
    }
    series.count += 1;
    series.byName.set(labels['name'] ?? '', (ofName ?? new Map<string, Labels>()).set(key, labels));
    return true;
  }

  #declared(name: string, labels: Labels): boolean {
    const known = this.#definitions[name]?.labels ?? [];
    return Object.keys(labels).every((label) => known.includes(label));
  }
}

function sampleLine(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${pairs.join(',')}} ${value}`;
}

/** As the text format wants it. */
function escaped(text: string): string {
  return /[\\"\n]/.test(text)
    ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : text;
}

/** For what nobody measures. */
export const silentMeter: Meter = { count: () => undefined, observe: () => undefined };
