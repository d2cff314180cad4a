/** Pushes an image to a registry, as `oras push` does: one manifest, a config, and layers of one type. */
import { sha256 } from './packing.ts';

/** Of files, as a plain image has them. */
export const plainLayer = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface PushTarget {
  readonly host: string;
  readonly repository: string;
  /** The header of every request. */
  readonly authorization: string;
}

export const basicAuthorization = ({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** The answer is the digest of the manifest. */
export async function pushLayers(
  target: PushTarget,
  tag: string,
  mediaType: string,
  ...contents: readonly Uint8Array[]
): Promise<string> {
  const config = await pushBlob(target, Buffer.from('{}'));
  const layers = [];
  for (const content of contents) layers.push({ mediaType, ...(await pushBlob(target, content)) });
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers,
  });
  await put(target, new URL(`${urlOf(target)}/manifests/${tag}`), manifest, type);
  return `sha256:${sha256(Buffer.from(manifest))}`;
}

async function pushBlob(
  target: PushTarget,
  content: Uint8Array,
): Promise<{ readonly digest: string; readonly size: number }> {
  const digest = `sha256:${sha256(content)}`;
  const { authorization } = target;
  const start = await fetch(`${urlOf(target)}/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization },
  });
  const to = new URL(start.headers.get('location') ?? '', urlOf(target));
  to.searchParams.set('digest', digest);
  await put(target, to, Buffer.from(content), 'application/octet-stream');
  return { digest, size: content.byteLength };
}

const urlOf = ({ host, repository }: PushTarget): string => `http://${host}/v2/${repository}`;

async function put(
  { authorization }: PushTarget,
  to: URL,
  body: string | Buffer<ArrayBuffer>,
  type: string,
): Promise<void> {
  const answer = await fetch(to, { method: 'PUT', headers: { authorization, 'content-type': type }, body });
  if (answer.status !== 201) throw new Error(`${to.pathname}: ${answer.status} ${await answer.text()}`);
}
