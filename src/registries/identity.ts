/** From a Secret to how a connection is made. No value of it is ever in a message (S14). */
import { fail, ok, type Result } from '#model/failure.ts';
import type { SecretReader } from '#model/ports.ts';
import { readProxy } from '#model/proxies.ts';
import type { SourceSpec } from '#model/unit.ts';
import type { Identity } from './client.ts';
import { refusal } from './failures.ts';

export function identityOf(spec: SourceSpec, secrets: SecretReader, isMirrored: boolean): Result<Identity> {
  const certificates = spec.trust?.certificates;
  const trusted: Identity = certificates === undefined ? {} : { certificates };
  // The login and the proxy are of the server that the source names.
  if (isMirrored) return ok(trusted);
  const read = readProxy(spec.trust?.proxy, secrets);
  if (!read.ok) return fail(refusal('UnsupportedRegistry', `${spec.url}: ${read.what}`, read.hint));
  const reached = { ...trusted, ...(read.proxy === undefined ? {} : { proxy: read.proxy }) };
  if (spec.credentials === undefined) return ok(reached);
  const { namespace, name } = spec.credentials;
  const data = secrets(spec.credentials);
  if (data === undefined)
    return fail(
      refusal(
        'RegistryAuthenticationFailed',
        `${spec.url}: Secret ${namespace}/${name} with its credentials does not exist`,
        'create the Secret',
      ),
    );
  if (data['insecure']?.trim() === 'true' || data['insecureOCIForceHttp']?.trim() === 'true')
    return fail(
      refusal(
        'RegistryTlsFailed',
        `${spec.url}: Secret ${namespace}/${name} asks for a connection that is not verified, which is not made`,
        'put the authority of the server into ConfigMap argocd-tls-certs-cm, and remove insecure',
      ),
    );
  const username = data['username']?.trim() ?? '';
  const password = data['password']?.trim() ?? '';
  const certificate = data['tlsClientCertData'] ?? data['tls.crt'];
  const key = data['tlsClientCertKey'] ?? data['tls.key'];
  const authority = data['ca.crt'] ?? data['caFile'];
  return ok({
    ...reached,
    ...(authority === undefined ? {} : { certificates: `${certificates ?? ''}\n${authority}` }),
    ...(username === '' && password === '' ? {} : { basic: { username, password } }),
    ...(certificate === undefined || key === undefined ? {} : { client: { certificate, key } }),
    ...(spec.passCredentials === true ? { passCredentials: true } : {}),
  });
}
