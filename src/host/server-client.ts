/** Asks a running Trueup over HTTP or HTTPS: for the command line. */
import { request as plainRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';

export interface ServerQuestion {
  readonly url: URL;
  readonly token: string;
  /** PEM of an authority that is trusted besides the usual ones. */
  readonly authority?: string;
  readonly timeoutMs: number;
}
export type ServerAnswer =
  | { readonly answered: true; readonly status: number; readonly text: string }
  | { readonly answered: false; readonly why: string };

const bytesMax = 64 * 1024 * 1024;

export function askServer({ url, token, authority, timeoutMs }: ServerQuestion): Promise<ServerAnswer> {
  return new Promise((resolve) => {
    const fails = (error: Error): void => resolve({ answered: false, why: error.message });
    const options: RequestOptions = {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      ...(authority === undefined ? {} : { ca: authority }),
    };
    const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const asked = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (bytes > bytesMax) response.destroy(new Error('the answer is too large'));
      });
      response.on('error', fails);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ answered: true, status: response.statusCode ?? 0, text });
      });
    });
    asked.on('error', fails);
    asked.end();
  });
}
