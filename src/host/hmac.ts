/** Signatures under a shared secret, as webhooks carry them. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Compares in constant time, so that the signature cannot be guessed byte by byte (S11). */
export function signatureHolds(secret: string, body: Uint8Array, signature: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
