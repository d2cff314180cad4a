/** Counters and durations, for /metrics, in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter } from '#model/ports.ts';
import { metricTable, type MetricDefinition } from './metric-table.ts';

type Labels = Readonly<Record<string, string>>;

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

  constructor(definitions: Readonly<Record<string, MetricDefinition>> = metricTable) {
    this.#definitions = definitions;
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
      else
        this.#histograms.set(
          name,
          new Histogram({ ...options, ...(definition.buckets && { buckets: [...definition.buckets] }) }),
        );
    }
  }

  count(name: string, labels: Labels = {}, by = 1): void {
    const counter = this.#counters.get(name);
    if (counter === undefined || !this.#declared(name, labels)) this.#undeclared.inc({ name });
    else counter.inc({ ...labels }, by);
  }

  observe(name: string, seconds: number, labels: Labels = {}): void {
    const histogram = this.#histograms.get(name);
    if (histogram === undefined || !this.#declared(name, labels)) this.#undeclared.inc({ name });
    else histogram.observe({ ...labels }, seconds);
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

  /** CPU, memory and loop delay of this process; only for the one that is the process's own. */
  watchProcess(): void {
    // The default looks at the loop a hundred times a second, which alone would be most of what an idle process costs.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 200 });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #declared(name: string, labels: Labels): boolean {
    const known = this.#definitions[name]?.labels ?? [];
    return Object.keys(labels).every((label) => known.includes(label));
  }
}
