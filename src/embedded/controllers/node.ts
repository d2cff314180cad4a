/** The one node that the cluster has from the start. */
import { canonicalJson } from '#model/json.ts';
import type { Client } from './client.ts';
import { nodes } from './kinds.ts';

export const nodeName = 'trueup';
export const nodeAddress = '172.18.0.2';
export const kubeletVersion = 'v1.36.3';

const room = { cpu: '16', memory: '64Gi', 'ephemeral-storage': '256Gi', pods: '1000' };
const conditions = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

export function ensureNode(kubelet: Client): void {
  const labels = {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
  };
  const { now } = kubelet;
  kubelet.ensure(nodes, '', nodeName, {
    metadata: { name: nodeName, labels },
    spec: { podCIDR: '10.244.0.0/16' },
  });
  const node = kubelet.get(nodes, '', nodeName)!;
  if (canonicalJson(node['status'] ?? {}).includes(kubeletVersion)) return;
  kubelet.setStatus(nodes, node, {
    capacity: room,
    allocatable: room,
    conditions: conditions.map(([type, status, reason, message]) => ({
      type,
      status,
      lastHeartbeatTime: now,
      lastTransitionTime: now,
      reason,
      message,
    })),
    addresses: [
      { type: 'InternalIP', address: nodeAddress },
      { type: 'Hostname', address: nodeName },
    ],
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: 'none',
      osImage: 'Trueup embedded cluster',
      containerRuntimeVersion: 'none://0',
      kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  });
}
