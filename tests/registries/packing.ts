/** Archives as others pack them, well or badly. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface Packed {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice';
  readonly linkpath?: string;
  readonly mode?: number;
}

export function tarOf(entries: readonly Packed[]): Buffer {
  const parts: Buffer[] = [];
  for (const { path, content = '', type = 'File', linkpath = '', mode = 0o644 } of entries) {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    new Header({ path, mode, size: body.length, type, linkpath, mtime: new Date(0), uid: 0, gid: 0 }).encode(
      header,
      0,
    );
    parts.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export const archiveOf = (entries: readonly Packed[]): Buffer => gzipSync(tarOf(entries));

/** A chart of one ConfigMap, as `helm package` packs it. */
export function chartOf(name: string, version: string, further: readonly Packed[] = []): Buffer {
  const settings = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {version: "${version}", a: {{ .Values.a | quote }}}\n`;
  return archiveOf([
    { path: `${name}/Chart.yaml`, content: `apiVersion: v2\nname: ${name}\nversion: ${version}\n` },
    { path: `${name}/values.yaml`, content: 'a: default\n' },
    { path: `${name}/templates/settings.yaml`, content: settings },
    ...further,
  ]);
}

export const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
