/** What of this installation's identity is in the data directory: certificates for loopback, the administrator's token. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tokenLengthMin } from '#host/api-access.ts';
import { loopbackCertificates, type Certificates } from '#host/certificates.ts';
import { systemClock } from '#host/clock.ts';
import { systemRandom } from '#host/random.ts';

const tokenBytes = 24;

/** Made at the first start that needs them, and the same ever after, so that who trusts the authority goes on to. */
export function certificatesIn(dataDir: string): Certificates {
  const files = {
    authority: path.join(dataDir, 'ca.crt'),
    certificate: path.join(dataDir, 'server.crt'),
    key: path.join(dataDir, 'server.key'),
  };
  const [authority, certificate, key] = Object.values(files).map(textIn);
  if (authority !== undefined && certificate !== undefined && key !== undefined)
    return { authority, certificate, key };
  const made = loopbackCertificates(systemClock);
  for (const part of ['authority', 'certificate', 'key'] as const) writePrivate(files[part], made[part]);
  return made;
}

/** Of the administrator: of Trueup's API, and of the embedded cluster. */
export function tokenIn(dataDir: string): string {
  const file = path.join(dataDir, 'token');
  const there = textIn(file)?.trim() ?? '';
  if (there.length >= tokenLengthMin) {
    chmodSync(file, 0o600);
    return there;
  }
  const token = Buffer.from(systemRandom.bytes(tokenBytes)).toString('base64url');
  writePrivate(file, `${token}\n`);
  return token;
}

export function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(file, 0o600);
}

/** Undefined where it is not there or not to be read. */
export function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
