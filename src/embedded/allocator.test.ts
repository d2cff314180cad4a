import { expect, test } from 'vitest';
import { Allocator } from './allocator.ts';
import type { Stored } from './objects.ts';
import { builtInResources } from './resources.ts';
import { forgetful, Store } from './store.ts';

const services = builtInResources.find(({ name }) => name === 'services')!;
const configMaps = builtInResources.find(({ name }) => name === 'configmaps')!;

function keep(store: Store, name: string, spec: object): void {
  const metadata = { name, namespace: 'default', uid: name, resourceVersion: '', creationTimestamp: '' };
  store.put('/services', { apiVersion: 'v1', kind: 'Service', metadata, spec } as unknown as Stored);
}

test('no address and no port is given twice while it is in use', () => {
  const store = new Store(forgetful);
  const allocator = new Allocator(store);
  const addresses = new Set<string>();
  const ports = new Set<number>();
  for (let count = 0; count < 600; count += 1) {
    const { clusterIP, nodePorts } = allocator.offer(services);
    expect(clusterIP).toMatch(/^10\.96\.\d+\.\d+$/);
    addresses.add(clusterIP);
    ports.add(nodePorts[0]!);
    keep(store, `s${count}`, { clusterIP, ports: [{ nodePort: nodePorts[0] }] });
  }
  expect(addresses.size).toBe(600);
  expect(ports.size).toBe(600);
  expect(addresses.has('10.96.0.1')).toBe(false);
});

test('what is given back is given again', () => {
  const store = new Store(forgetful);
  const allocator = new Allocator(store);
  const first = allocator.offer(services);
  keep(store, 'a', { clusterIP: first.clusterIP, ports: [{ nodePort: first.nodePorts[0] }] });
  expect(allocator.offer(services).clusterIP).not.toBe(first.clusterIP);
  store.remove('/services', 'default', 'a');
  expect(allocator.offer(services)).toEqual(first);
});

test('when all ports are taken none is offered', () => {
  const store = new Store(forgetful);
  const ports = Array.from({ length: 2_768 }, (_, index) => ({ nodePort: 30_000 + index }));
  keep(store, 'greedy', { clusterIP: 'None', ports });
  expect(new Allocator(store).offer(services).nodePorts).toEqual([]);
});

test('other kinds need nothing', () => {
  expect(new Allocator(new Store(forgetful)).offer(configMaps)).toEqual({ clusterIP: '', nodePorts: [] });
});
