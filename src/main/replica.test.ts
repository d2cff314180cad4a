import { expect, it } from 'vitest';
import { replicaId } from './replica.ts';

const start = Uint8Array.of(1, 2, 255);

it("a replica is named for its pod and its start, as a Lease's name may be", () => {
  expect(replicaId('trueup-6f7d9c-2xv4k', start)).toBe('trueup-6f7d9c-2xv4k-0102ff');
  expect(replicaId('My_Machine.local', start)).toBe('my-machine-local-0102ff');
  expect(replicaId('.', start)).toBe('replica-0102ff');
  expect(replicaId(`${'x'.repeat(39)}-${'y'.repeat(40)}`, start)).toBe(`${'x'.repeat(39)}-0102ff`);
});

it('another start is another replica', () => {
  expect(replicaId('pod')).not.toBe(replicaId('pod'));
});
