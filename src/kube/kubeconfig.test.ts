import { describe, expect, test } from 'vitest';
import { inClusterAccess } from './access.ts';
import { loadKubeconfig, readKubeconfig } from './kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const DATA = Buffer.from(PEM).toString('base64');

function missing(path: string): never {
  throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT', path });
}
const files =
  (all: Readonly<Record<string, string>>) =>
  (path: string): string =>
    all[path] ?? missing(path);

function config(user: string, cluster = 'server: https://k8s.example:6443/'): string {
  return `apiVersion: v1
kind: Config
current-context: prod
contexts:
- name: prod
  context: {cluster: c, user: u}
- name: halfway
  context: {user: u}
clusters:
- name: c
  cluster: {${cluster}}
users:
- name: u
  user: ${user}
`;
}
function lineOf(text: string, context?: string, all: Readonly<Record<string, string>> = {}): string {
  const result = loadKubeconfig(text, files(all), context, { path: '/home/me/.kube/config', tenant: false });
  if (result.ok) throw new Error('expected a failure');
  expect(result.failure.message).not.toContain('\n');
  return result.failure.message;
}

describe('a kubeconfig', () => {
  test('gives server, authority and token', () => {
    const text = config(
      '{token: t}',
      `server: "https://k8s.example:6443/", certificate-authority-data: ${DATA}`,
    );
    expect(loadKubeconfig(text, missing)).toEqual({
      ok: true,
      value: {
        server: 'https://k8s.example:6443',
        origin: 'context prod of kubeconfig',
        user: 'u',
        insecure: false,
        ca: PEM,
        token: 't',
      },
    });
  });

  test('keeps a path prefix, client certificates, and files relative to its directory', () => {
    const all = {
      '/etc/kube/config': config(
        '{client-certificate: c.pem, client-key: /k.pem}',
        'server: https://r/k8s/c-1/',
      ),
      '/etc/kube/c.pem': PEM,
      '/k.pem': PEM,
    };
    expect(readKubeconfig('/etc/kube/config', files(all))).toMatchObject({
      ok: true,
      value: {
        server: 'https://r/k8s/c-1',
        certificate: PEM,
        key: PEM,
        // They may be replaced (F25).
        files: { certificate: '/etc/kube/c.pem', key: '/k.pem' },
      },
    });
  });

  test('is explained in one line when it is no good', () => {
    expect(readKubeconfig('/none', missing)).toMatchObject({
      ok: false,
      failure: { code: 'KubeconfigMissing', message: 'kubeconfig /none does not exist' },
    });
    expect(lineOf('a: [')).toMatch(/^\/home\/me\/.kube\/config is not valid YAML \(line 1\)/);
    expect(lineOf('just text')).toContain('is not a kubeconfig');
    expect(lineOf(config('{}'), 'stage')).toBe('/home/me/.kube/config has no context stage');
    expect(lineOf(config('{}'), 'halfway')).toBe('/home/me/.kube/config: context halfway has no cluster');
    expect(lineOf(config('{}').replace('user: u}', 'user: x}'))).toBe('/home/me/.kube/config has no user x');
    expect(lineOf(config('{}', 'server: nonsense'))).toContain('is not a URL: nonsense');
    expect(lineOf(config('{}', 'server: https://x, proxy-url: http://p'))).toContain('proxy-url');
    expect(lineOf(config('{client-certificate: c.pem}'))).toContain('/home/me/.kube/c.pem does not exist');
    expect(lineOf(config('{client-key-data: QUJD}'))).toContain(
      'client-key-data of user u is not base64 of PEM',
    );
    expect(lineOf(config(`{client-key-data: ${DATA}}`))).toContain('a client key without a certificate');
  });

  test('does not quote a token that breaks its YAML (S14)', () => {
    expect(lineOf('users:\n- user: {token: "canary-4711\n')).not.toContain('canary');
  });

  test('S4: exec and auth-provider plugins are refused, naming the file and the user', () => {
    for (const plugin of ['exec: {command: aws}', 'auth-provider: {name: gcp}']) {
      const line = lineOf(config(`{${plugin}}`));
      expect(line).toContain('/home/me/.kube/config: user u needs an ');
      expect(line).toContain('is refused');
    }
  });

  test('S4: from a tenant, insecure TLS and every file are refused', () => {
    const tenant = { path: 'Secret team/kubeconfig', tenant: true };
    const refused = [
      config('{token: t}', 'server: https://x, insecure-skip-tls-verify: true'),
      config('{tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}'),
      config('{token: t}', 'server: https://x, certificate-authority: /etc/ca.pem'),
    ];
    for (const text of refused) {
      const read: string[] = [];
      const result = loadKubeconfig(text, (path) => `${read.push(path)}`, undefined, tenant);
      expect(result).toMatchObject({ ok: false, failure: { code: 'KubeconfigRefused' } });
      expect(read).toEqual([]);
    }
  });

  test('S5: impersonation without a user is refused, never sent unimpersonated', () => {
    expect(lineOf(config('{token: t, as-groups: [admins]}'))).toContain('without a user');
    expect(loadKubeconfig(config('{token: t, as: bob, as-groups: [dev]}'), missing)).toMatchObject({
      ok: true,
      value: { impersonate: { user: 'bob', groups: ['dev'] } },
    });
  });
});

describe('in a pod', () => {
  test('takes the token file and the authority of the ServiceAccount', () => {
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(inClusterAccess(env, files({ '/sa/ca.crt': PEM, '/sa/token': 't' }), '/sa')).toMatchObject({
      ok: true,
      value: {
        server: 'https://[fd00::1]:443',
        ca: PEM,
        files: { ca: '/sa/ca.crt' },
        tokenFile: '/sa/token',
      },
    });
    expect(inClusterAccess(env, missing, '/sa')).toMatchObject({
      ok: false,
      failure: { code: 'NotInCluster' },
    });
    expect(inClusterAccess({}, missing)).toMatchObject({ ok: false, failure: { code: 'NotInCluster' } });
  });
});
