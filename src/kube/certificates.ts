/**
 * What connections trust and show. The files that it comes from are read again every minute, and when the server or its
 * certificate is refused (F25): who renews certificates replaces the files in place.
 */
import { createSecureContext } from 'node:tls';
import type { Clock } from '#model/ports.ts';
import type { Access, ReadFile, TlsPart } from './access.ts';

/** PEM texts. */
export type TlsTexts = Readonly<Partial<Record<TlsPart, string>>>;

const rereadMs = 60_000;
const parts = ['ca', 'certificate', 'key'] as const;

export class Certificates {
  readonly #files: NonNullable<Access['files']>;
  readonly #clock: Clock;
  readonly #readFile: ReadFile;
  #texts: TlsTexts;
  #readAtMs: number;

  constructor(access: Access, clock: Clock, readFile: ReadFile) {
    const { ca, certificate, key, files = {} } = access;
    this.#files = files;
    this.#clock = clock;
    this.#readFile = readFile;
    this.#texts = { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) };
    this.#readAtMs = clock.monotonic();
  }

  /** For new connections; the same object for as long as the files say the same. */
  current(): TlsTexts {
    if (this.#clock.monotonic() - this.#readAtMs >= rereadMs) this.#read();
    return this.#texts;
  }

  /** After a refusal: true when there is something else now than was used, so that one retry is worth it. */
  renew(used: TlsTexts): boolean {
    this.#read();
    return this.#texts !== used;
  }

  #read(): void {
    this.#readAtMs = this.#clock.monotonic();
    try {
      const read = parts.flatMap((part) => {
        const file = this.#files[part];
        return file === undefined ? [] : [[part, this.#readFile(file)] as const];
      });
      if (read.every(([part, text]) => this.#texts[part] === text)) return;
      const { ca, certificate: cert, key } = { ...this.#texts, ...Object.fromEntries(read) };
      // Throws for half a file, and for the key of another certificate.
      createSecureContext({ ca, cert, key });
      this.#texts = { ...this.#texts, ...Object.fromEntries(read) };
    } catch {
      // They are being replaced, or are gone: what we have may still be good, else the server says so.
    }
  }
}
