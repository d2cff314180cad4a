/** Certificates for loopback: an authority made once, and a server certificate that it signed. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import type { Clock } from '#model/ports.ts';

export interface Certificates {
  /** PEM; what clients are given to trust. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const validMs = 3650 * dayMs;
/** Clocks differ a little. */
const earlierMs = 3_600_000;

interface KeyPair {
  readonly privateKey: forge.pki.rsa.PrivateKey;
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly pem: string;
}

/** For `localhost`, 127.0.0.1 and ::1. Its authority's key is thrown away: nobody can sign another with it. */
export function loopbackCertificates(clock: Clock): Certificates {
  const from = new Date(clock.now() - earlierMs);
  const until = new Date(clock.now() + validMs);
  const sign = (
    subject: string,
    issuer: string,
    keys: KeyPair,
    signer: KeyPair,
    extensions: readonly object[],
  ): string => {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = keys.publicKey;
    // A number in DER is positive and has no padding, whatever the random bytes begin with.
    certificate.serialNumber = `01${randomBytes(16).toString('hex')}`;
    certificate.validity.notBefore = from;
    certificate.validity.notAfter = until;
    certificate.setSubject([{ name: 'commonName', value: subject }]);
    certificate.setIssuer([{ name: 'commonName', value: issuer }]);
    certificate.setExtensions([...extensions, { name: 'subjectKeyIdentifier' }]);
    certificate.sign(signer.privateKey, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  };
  const authorityKeys = rsaKeys();
  const serverKeys = rsaKeys();
  const authorityName = `Trueup local authority ${randomBytes(4).toString('hex')}`;
  return {
    authority: sign(authorityName, authorityName, authorityKeys, authorityKeys, [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ]),
    certificate: sign('localhost', authorityName, serverKeys, authorityKeys, [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ]),
    key: serverKeys.pem,
  };
}

/** Made by Node, which is a hundred times faster at it. */
function rsaKeys(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    pem,
    privateKey: forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()),
    publicKey: forge.pki.publicKeyFromPem(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  };
}
