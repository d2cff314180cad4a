/**
 * A registry, as the OCI distribution specification has it: tags, manifests and blobs, with a token where it asks for
 * one. Whatever has a digest is compared with it.
 */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import { isObject, type Digest } from '#model/json.ts';
import type { FoundArchive } from '#model/ports.ts';
import type { SourceSpec } from '#model/unit.ts';
import { archiveLimits } from './archive.ts';
import { shown, type Client, type Identity, type Reply } from './client.ts';
import { refusal } from './failures.ts';
import { chosenVersion, notThere } from './helm-repository.ts';

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
export const chartLayer = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const plainLayers = [
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  // What `flux push artifact` makes.
  'application/vnd.cncf.flux.content.v1.tar+gzip',
];
const manifestBytesMax = 4 * 2 ** 20;
const tagsBytesMax = 16 * 2 ** 20;
const tagPagesMax = 100;
/** Of a digest, for people. */
const shortLength = 'sha256:'.length + 12;

interface Place {
  readonly origin: string;
  readonly repository: string;
}
export interface Layer {
  readonly digest: Digest;
  readonly isChart: boolean;
  readonly packed: Uint8Array;
}

export class Registries {
  readonly #client: Client;
  /** By place and who asks; asked anew when they are refused. */
  readonly #tokens = new Map<string, string>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** `url`: where it is read, which a mirror may make another than that of the source. */
  async find(spec: SourceSpec, url: string, identity: Identity): Promise<Result<FoundArchive>> {
    const place = placeOf(url);
    if (!place.ok) return place;
    const tag = await this.#tag(spec, place.value, identity);
    if (!tag.ok) return tag;
    const reply = await this.#ask(place.value, identity, `manifests/${tag.value}`, {
      bytesMax: manifestBytesMax,
      headers: { accept: manifestTypes.join(', ') },
    });
    if (!reply.ok) return reply;
    const digest = digestOf(reply.value.body);
    const mismatch = tag.value.startsWith('sha256:') && tag.value !== digest;
    if (mismatch) return fail(changed(`${url}@${tag.value}`, digest));
    const label = tag.value === digest ? digest : `${tag.value}@${digest.slice(0, shortLength)}`;
    return ok({ name: digest, label, digest, url: `${url}@${digest}` });
  }

  /** The one layer that has the files, of the manifest with this digest. */
  async layer(url: string, digest: Digest, identity: Identity): Promise<Result<Layer>> {
    const place = placeOf(url);
    if (!place.ok) return place;
    const at = `${shown(url)}@${digest}`;
    const reply = await this.#ask(place.value, identity, `manifests/${digest}`, {
      bytesMax: manifestBytesMax,
      headers: { accept: manifestTypes.join(', ') },
    });
    if (!reply.ok) return reply;
    const has = digestOf(reply.value.body);
    if (has !== digest) return fail(changed(at, has));
    const layers = layersOf(reply.value.body);
    const layer =
      layers.find(({ type }) => type === chartLayer) ?? (layers.length === 1 ? layers[0] : undefined);
    if (layer === undefined || (layer.type !== chartLayer && !plainLayers.includes(layer.type)))
      return fail(
        refusal(
          'ArchiveRefused',
          `${at}: it has ${layers.length} layers (${layers.map(({ type }) => type).join(', ')}), and not one with files`,
          `push one layer of type ${plainLayers[0]}, or a chart`,
        ),
      );
    const blob = await this.#ask(place.value, identity, `blobs/${layer.digest}`, {
      bytesMax: archiveLimits.packedBytesMax,
    });
    if (!blob.ok) return blob;
    const read = digestOf(blob.value.body);
    if (read !== layer.digest) return fail(changed(at, read));
    return ok({ digest: layer.digest, isChart: layer.type === chartLayer, packed: blob.value.body });
  }

  async #tag({ ref, url }: SourceSpec, place: Place, identity: Identity): Promise<Result<string>> {
    if (!('semver' in ref)) return ok(tagOf(String(Object.values(ref)[0])));
    const tags = await this.#tags(place, identity);
    if (!tags.ok) return tags;
    const versions = tags.value.map(versionOf);
    const version = chosenVersion(versions, ref);
    return version === undefined ? fail(notThere(url, '', ref, versions)) : ok(tagOf(version));
  }

  async #tags(place: Place, identity: Identity): Promise<Result<readonly string[]>> {
    const tags: string[] = [];
    let next: string | undefined = 'tags/list?n=1000';
    for (let page = 0; next !== undefined && page < tagPagesMax; page += 1) {
      const reply: Result<Reply> = await this.#ask(place, identity, next, { bytesMax: tagsBytesMax });
      if (!reply.ok) return reply;
      const listed = parsed(reply.value.body)['tags'];
      if (Array.isArray(listed)) tags.push(...listed.filter((tag) => typeof tag === 'string'));
      const { link } = reply.value.headers;
      const query: string | undefined =
        typeof link === 'string' ? /<[^>?]*\?([^>]*)>/.exec(link)?.[1] : undefined;
      next = query === undefined ? undefined : `tags/list?${query}`;
    }
    return ok(tags);
  }

  async #ask(
    place: Place,
    identity: Identity,
    what: string,
    how: { readonly bytesMax: number; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Result<Reply>> {
    const { origin, repository } = place;
    const key = JSON.stringify([place, identity]);
    const send = (token: string | undefined): Promise<Result<Reply>> =>
      this.#client.ask({
        url: `${origin}/v2/${repository}/${what}`,
        origin,
        identity,
        bytesMax: how.bytesMax,
        headers: { ...how.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(token === undefined ? { accepts: [401] } : {}),
      });
    const kept = this.#tokens.get(key);
    const first = await send(kept);
    const isRefused = first.ok
      ? first.value.status === 401
      : first.failure.code === 'RegistryAuthenticationFailed';
    if (!isRefused) return first;
    this.#tokens.delete(key);
    const challenge = first.ok ? first : await send(undefined);
    if (!challenge.ok || challenge.value.status !== 401) return challenge;
    const token = await this.#token(challenge.value, place, identity);
    if (!token.ok) return token;
    this.#tokens.set(key, token.value);
    return send(token.value);
  }

  /** A registry says where its tokens are made. The login goes there, because that is who asks for it. */
  async #token(challenge: Reply, { origin, repository }: Place, identity: Identity): Promise<Result<string>> {
    // One that takes logins too says so in a header of its own.
    const said = [challenge.headers['www-authenticate'] ?? []].flat();
    const text = said.find((scheme) => /^bearer /i.test(scheme)) ?? '';
    const part = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`, 'i').exec(text)?.[1];
    const realm = URL.parse(part('realm') ?? '');
    const refused = refusal(
      'RegistryAuthenticationFailed',
      `${origin}/${repository}: the registry refused the credentials, or asks for some`,
      'check the Secret with the username and password of this repository',
    );
    if (realm === null) return fail(refused);
    const service = part('service');
    if (service !== undefined) realm.searchParams.set('service', service);
    realm.searchParams.set('scope', part('scope') ?? `repository:${repository}:pull`);
    const isDowngrade = origin.startsWith('https:') && realm.protocol !== 'https:';
    const reply = await this.#client.ask({
      url: realm.href,
      origin: isDowngrade ? origin : realm.origin,
      identity,
      bytesMax: manifestBytesMax,
    });
    if (!reply.ok) return reply;
    const answer = parsed(reply.value.body);
    const token = answer['token'] ?? answer['access_token'];
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? ok(token) : fail(refused);
  }
}

/** `oci://host:port/path`; plain http for this machine only, as the tools of registries have it. */
function placeOf(url: string): Result<Place> {
  const [, host = '', repository = ''] = /^oci:\/\/([^/]+)\/(.+?)\/*$/.exec(url) ?? [];
  if (!/^[a-z0-9.:[\]-]+$/i.test(host) || !/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(repository))
    return fail(
      refusal(
        'UnsupportedRegistry',
        `${shown(url)} is no repository of a registry`,
        'write oci://host/path, in lower case',
      ),
    );
  const isHere = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host);
  return ok({ origin: `${isHere ? 'http' : 'https'}://${host}`, repository });
}

interface Described {
  readonly type: string;
  readonly digest: Digest;
}

function layersOf(body: Uint8Array): readonly Described[] {
  const { layers } = parsed(body);
  if (!Array.isArray(layers)) return [];
  return layers
    .filter(isObject)
    .flatMap(({ mediaType, digest }) =>
      typeof mediaType === 'string' && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)
        ? [{ type: mediaType, digest: digest as Digest }]
        : [],
    );
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function changed(at: string, has: Digest) {
  return refusal(
    'DigestMismatch',
    `${at}: what was sent has the digest ${has}`,
    'something on the way changes it',
  );
}

/** A tag has no `+`: helm push writes `_` for it. */
const tagOf = (version: string): string => version.replaceAll('+', '_');
const versionOf = (tag: string): string => tag.replaceAll('_', '+');
