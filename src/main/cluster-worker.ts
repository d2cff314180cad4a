/** The worker thread of one cluster: lists and watches are decoded, projected and compacted here, off the engine's thread. */
import { workerData } from 'node:worker_threads';
import { serveCluster } from '#kube/remote.ts';
import { openLog } from '#host/log.ts';
import { bufferedMeter, type MeterEntry } from './buffered-meter.ts';
import { openDirectCluster, type WorkerSettings } from './open-cluster.ts';

const { port, metrics, logLevel, ...settings } = workerData as WorkerSettings;
const meter = bufferedMeter((entries: readonly MeterEntry[]) => metrics.postMessage(entries, []));
serveCluster(port, openDirectCluster(settings, openLog(logLevel), meter));
