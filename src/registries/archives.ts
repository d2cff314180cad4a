/** Repositories of charts and registries behind one port. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import type { Archives, FoundArchive, SecretReader } from '#model/ports.ts';
import type { SourceSpec } from '#model/unit.ts';
import { archiveLimits, chartFiles, unpack } from './archive.ts';
import { Client, shown, type ClientPorts, type Identity } from './client.ts';
import { refusal } from './failures.ts';
import { HelmRepositories } from './helm-repository.ts';
import { identityOf } from './identity.ts';
import { Registries } from './oci.ts';

export interface ArchivesOptions extends ClientPorts {
  readonly secrets: SecretReader;
  /** Addresses that begin with `from` are read at `to` instead. */
  readonly mirrors: readonly { readonly from: string; readonly to: string }[];
}

export function openArchives(options: ArchivesOptions): Archives {
  const client = new Client(options);
  const charts = new HelmRepositories(client, options.timers);
  const registries = new Registries(client);
  const withIdentity = async <T>(
    spec: SourceSpec,
    use: (url: string, identity: Identity) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    const url = mirrored(spec.url, options.mirrors);
    const identity = identityOf(spec, options.secrets, url !== spec.url);
    return identity.ok ? use(url, identity.value) : identity;
  };
  const fetchChart = async (spec: SourceSpec, found: FoundArchive, url: string, identity: Identity) => {
    const reply = await client.ask({
      url: found.url,
      origin: URL.parse(url)?.origin ?? '',
      identity,
      bytesMax: archiveLimits.packedBytesMax,
    });
    if (!reply.ok) return reply;
    const { body } = reply.value;
    const digest = digestOf(body);
    if (found.digest !== undefined && found.digest !== digest)
      return fail(
        refusal(
          'DigestMismatch',
          `${shown(found.url)}: it has the digest ${digest}, and the index of ${spec.url} says ${found.digest}`,
          'make the index anew, or ask who serves it',
        ),
      );
    const files = await unpack(found.label, body);
    const chart = files.ok ? chartFiles(found.label, files.value) : files;
    return chart.ok ? ok({ digest, files: chart.value }) : chart;
  };
  const fetchLayer = async (spec: SourceSpec, found: FoundArchive, url: string, identity: Identity) => {
    const layer = await registries.layer(url, found.digest!, identity);
    if (!layer.ok) return layer;
    const { packed, isChart } = layer.value;
    const name = `${spec.url}:${found.label}`;
    const files = await unpack(name, packed);
    const read = files.ok && isChart ? chartFiles(name, files.value) : files;
    return read.ok ? ok({ digest: found.digest!, files: read.value }) : read;
  };
  return {
    find: (spec) =>
      withIdentity(spec, (url, identity) =>
        spec.kind === 'oci' ? registries.find(spec, url, identity) : charts.find(spec, url, identity),
      ),
    fetch: (spec, found) =>
      withIdentity(spec, (url, identity) =>
        spec.kind === 'oci' ? fetchLayer(spec, found, url, identity) : fetchChart(spec, found, url, identity),
      ),
    close: () => client.close(),
  };
}

function mirrored(url: string, mirrors: ArchivesOptions['mirrors']): string {
  const [mirror] = mirrors
    .filter(({ from }) => url.startsWith(from))
    .toSorted((a, b) => b.from.length - a.from.length);
  return mirror === undefined ? url : mirror.to + url.slice(mirror.from.length);
}
