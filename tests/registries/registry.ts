/** A real registry on loopback: Debian's docker-registry, with a login, or tokens, where it is to ask for them. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import bcrypt from 'bcryptjs';
import { freePort } from '../free-port.ts';
import type { TokenAuth } from './token-server.ts';

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  close(): Promise<void>;
}

export async function startRegistry(
  directory: string,
  auth?: { readonly username: string; readonly password: string } | TokenAuth,
): Promise<Registry> {
  const port = await freePort();
  const htpasswd = path.join(directory, 'htpasswd');
  if (auth !== undefined && 'username' in auth)
    await writeFile(htpasswd, `${auth.username}:${await bcrypt.hash(auth.password, 4)}\n`);
  const config = path.join(directory, 'config.yml');
  await writeFile(
    config,
    [
      'version: 0.1',
      'log: {level: error}',
      `storage: {filesystem: {rootdirectory: ${path.join(directory, 'blobs')}}, delete: {enabled: true}}`,
      `http: {addr: '127.0.0.1:${port}'}`,
      ...(auth === undefined
        ? []
        : 'username' in auth
          ? [`auth: {htpasswd: {realm: registry, path: ${htpasswd}}}`]
          : [`auth: ${JSON.stringify({ token: auth })}`]),
      '',
    ].join('\n'),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString('utf8')));
  let ended: string | undefined;
  child.on('error', () => (ended = 'docker-registry is not installed: apt-get install docker-registry'));
  child.on('exit', (code) => (ended ??= `docker-registry ended with ${code}: ${said}`));
  const host = `127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    if (ended !== undefined) throw new Error(ended);
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer !== undefined) break;
    if (tries > 200) throw new Error(`docker-registry does not answer: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host,
    close: () =>
      new Promise((resolve) => {
        if (ended !== undefined) return resolve();
        child.on('exit', () => resolve());
        child.kill();
      }),
  };
}
