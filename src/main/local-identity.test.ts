/** What the data directory says of who we are: the same at every start, and for its owner only. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { certificatesIn, tokenIn } from './local-identity.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'trueup-identity-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const modeOf = (name: string): number => statSync(path.join(directory, name)).mode & 0o777;

it('certificates are for this machine, and the same at every start', () => {
  const first = certificatesIn(directory);
  expect(certificatesIn(directory)).toEqual(first);
  const [authority, certificate] = [
    new X509Certificate(first.authority),
    new X509Certificate(first.certificate),
  ];
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkHost('example.com')).toBeUndefined();
  for (const name of ['ca.crt', 'server.crt', 'server.key']) expect(modeOf(name), name).toBe(0o600);
});

it('a part that is lost makes them anew, all of them', () => {
  const first = certificatesIn(directory);
  rmSync(path.join(directory, 'server.key'));
  const second = certificatesIn(directory);
  expect(second.authority).not.toBe(first.authority);
  expect(
    new X509Certificate(second.certificate).verify(new X509Certificate(second.authority).publicKey),
  ).toBe(true);
});

it('the token is long, the same at every start, and its owner’s', () => {
  const token = tokenIn(directory);
  expect(token).toMatch(/^[\w-]{32}$/);
  chmodSync(path.join(directory, 'token'), 0o644);
  expect(tokenIn(directory)).toBe(token);
  expect(modeOf('token')).toBe(0o600);
});

it.each(['', '\n', 'short'])('a token that could be guessed is replaced (%#)', (text) => {
  writeFileSync(path.join(directory, 'token'), text);
  expect(tokenIn(directory)).toMatch(/^[\w-]{32}$/);
  expect(modeOf('token')).toBe(0o600);
});
