/**
 * Digests: of plain content, and of secret content under the installation's key. The only file of this room
 * that touches node:crypto, and it only hashes.
 */
import { createHmac, hash } from 'node:crypto';
import type { Digest } from '#model/json.ts';
import type { Sealer } from '#model/ports.ts';

/** SHA-256 of a text's UTF-8 bytes, or of the bytes themselves. */
export function digestOf(content: string | Uint8Array): Digest {
  return `sha256:${hash('sha256', content, 'hex')}`;
}

/**
 * A sealer under `key` (32 random bytes, kept by the installation). `seal` is an HMAC: without the key nobody can
 * find a short secret by trying candidates against its seal.
 */
export function createSealer(key: Uint8Array): Sealer {
  if (key.length < 16) throw new Error('the sealing key must have at least 16 bytes');
  const ownKey = Uint8Array.from(key);
  return {
    digest: digestOf,
    seal: (text) => `sha256:${createHmac('sha256', ownKey).update(text, 'utf8').digest('hex')}`,
  };
}
