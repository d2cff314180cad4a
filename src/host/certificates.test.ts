/** Certificates for loopback, as TLS clients judge them. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { checkServerIdentity, connect, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loopbackCertificates, type Certificates } from './certificates.ts';
import { systemClock } from './clock.ts';

let made: Certificates;
let other: Certificates;
let server: Server;
beforeAll(async () => {
  made = loopbackCertificates(systemClock);
  other = loopbackCertificates(systemClock);
  server = createServer({ key: made.key, cert: made.certificate }, (socket) => socket.end('hello'));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** The error of a handshake with a client that trusts one authority and expects one name; undefined if it succeeds. */
async function handshake(ca: string, host: string): Promise<string | undefined> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca,
    // By whatever name it is reached, the server has to be the one that is meant.
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  });
  socket.resume();
  return new Promise((resolve) => {
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('a client that trusts the authority', () => {
  it.each(['localhost', '127.0.0.1', '::1'])('connects to %s', async (host) => {
    expect(await handshake(made.authority, host)).toBeUndefined();
  });

  it.each(['example.com', '127.0.0.2', '10.0.0.1'])('does not take it for %s', async (host) => {
    expect(await handshake(made.authority, host)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

it('a client that trusts another authority of ours does not connect', async () => {
  expect(await handshake(other.authority, 'localhost')).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

describe('the certificates', () => {
  const read = (pem: string): X509Certificate => new X509Certificate(pem);

  it('are an authority that signed itself and a server that is none', () => {
    const [authority, certificate] = [read(made.authority), read(made.certificate)];
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('are good a little before they were made, and for ten years', () => {
    const atMs = Date.UTC(2026, 0, 2, 3, 4, 5);
    const { certificate } = loopbackCertificates({ now: () => atMs, monotonic: () => 0 });
    expect(Date.parse(read(certificate).validFrom)).toBe(atMs - 3_600_000);
    expect(Date.parse(read(certificate).validTo)).toBe(atMs + 3_650 * 86_400_000);
  });

  it('have a key of their own each time, which fits the certificate', () => {
    expect(made.key).not.toBe(other.key);
    expect(read(made.certificate).serialNumber).not.toBe(read(other.certificate).serialNumber);
    expect(made.key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });
});
