/** The embedded cluster's API server in a process of its own, without controllers, until its input ends. */
import process from 'node:process';
import { startEmbeddedCluster } from '../tests/cluster/embedded-cluster.ts';

const { kubeconfig, stop } = await startEmbeddedCluster({ controllers: false });
console.log(kubeconfig);
process.stdin.resume().once('end', () => void stop().then(() => process.exit(0)));
