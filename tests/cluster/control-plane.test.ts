import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { startControlPlane } from './control-plane.ts';

const execute = promisify(execFile);

describe('the test control plane', () => {
  it('answers a kubectl of its own version', async () => {
    const { stdout } = await execute(inject('kubectl'), [
      '--kubeconfig',
      inject('kubeconfig'),
      'version',
      '-o',
      'json',
    ]);
    const version = JSON.parse(stdout) as Record<string, { readonly gitVersion: string }>;
    expect(version['serverVersion']?.gitVersion).toBe(version['clientVersion']?.gitVersion);
  });

  it('keeps its objects, its port and its credentials over a restart, and audits requests', async () => {
    const own = await startControlPlane({ flags: ['-no-scheduler', '-no-kwok'], audit: true });
    try {
      const kubectl = async (...args: string[]) =>
        (await execute(own.kubectl, ['--kubeconfig', own.kubeconfig, ...args])).stdout;
      await kubectl('create', 'configmap', 'kept', '--from-literal=a=1');
      await own.restart();
      expect(await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('1');
      expect(await readFile(own.auditLog ?? '', 'utf8')).toContain('"name":"kept"');
    } finally {
      await own.stop();
    }
  });
});
