/** The word of a GitHub App about itself, signed with its key. */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '#model/ports.ts';

/** Clocks differ a little. */
const earlierS = 60;
const validS = 540;

/** Undefined where the key is none. PKCS#1, as GitHub gives it, and PKCS#8. */
export const signing =
  (clock: Clock) =>
  async (app: string, pem: string): Promise<string | undefined> => {
    const nowS = Math.floor(clock.now() / 1000);
    try {
      return await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuedAt(nowS - earlierS)
        .setExpirationTime(nowS + validS)
        .setIssuer(app)
        .sign(createPrivateKey(pem));
    } catch {
      return undefined;
    }
  };
