/**
 * What the API server does to an object before it is stored: defaults, patches, field management, validation. The
 * official libraries do it, in a Go module (embedded-wasm/); everything here computes, nothing waits.
 */
import { isObject, jsonText, parseJson } from '#model/json.ts';
import type { Clock, Random } from '#model/ports.ts';
import { Instance } from '#wasm/instance.ts';
import { readModule } from '#wasm/module-file.ts';
import type { Stored } from './objects.ts';
import type { Resource } from './resources.ts';
import { StatusError, type Status } from './status.ts';

export type WriteVerb = 'create' | 'update' | 'apply' | 'json' | 'merge' | 'strategic';

export interface WriteRequest {
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty where the object names itself. */
  readonly name: string;
  readonly verb: WriteVerb;
  readonly live: Stored | undefined;
  /** The object or the patch, as it was sent. */
  readonly body: string;
  readonly manager: string;
  readonly force: boolean;
  readonly fieldValidation: string;
  readonly allocate: { readonly clusterIP: string; readonly nodePorts: readonly number[] };
}
export interface ScaleRequest extends WriteRequest {
  readonly replicas: number;
  /** Where the object has them; `spec.replicas` unless said otherwise. */
  readonly replicasPath?: readonly string[];
}
export interface WriteResult {
  readonly object: Stored;
  readonly created: boolean;
  /** Nothing but, at most, times of field managers would change: nothing is to be stored. */
  readonly unchanged: boolean;
  readonly warnings?: readonly string[];
}
export interface TableColumn {
  readonly name: string;
  readonly [key: string]: unknown;
}
export interface Printed {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Throws StatusError for what the API server refuses. */
export interface Machinery {
  write(request: WriteRequest): WriteResult;
  /** Through the scale subresource: only the replicas become the writer's. */
  scale(request: ScaleRequest): WriteResult;
  /** Makes the kinds of a definition known; gives the schema of each version. */
  define(definition: Stored): Readonly<Record<string, unknown>>;
  undefine(group: string, kind: string): void;
  print(resource: Resource, objects: readonly Stored[]): Printed;
  /** `components.schemas` of the built-in kinds of a group and version. */
  components(group: string, version: string, kinds: readonly string[]): Readonly<Record<string, unknown>>;
  /** A body in Kubernetes' protobuf, as JSON. */
  fromProtobuf(body: Uint8Array): string;
}

interface Answer {
  readonly value?: unknown;
  readonly status?: Status;
  readonly warnings?: readonly string[];
}

const distribution = new URL('../../embedded-wasm/dist/', import.meta.url);
const moduleBytesMax = 112 * 1024 * 1024;

export async function loadMachinery(): Promise<WebAssembly.Module> {
  const { bytes } = await readModule(distribution, 'embedded', moduleBytesMax);
  return WebAssembly.compile(bytes);
}

export function openMachinery(module: WebAssembly.Module, clock: Clock, random: Random): Machinery {
  const instance = new Instance(module, clock, random);
  const call = (op: string, options: unknown): unknown => {
    const answer = parseJson(instance.call([Buffer.from(jsonText({ op, options }))])) as Answer;
    if (answer.status !== undefined) throw new StatusError(answer.status, answer.warnings);
    return answer.value;
  };
  const asked = ({ resource, ...request }: WriteRequest): object => ({
    ...request,
    group: resource.group,
    version: resource.version,
    kind: resource.kind,
    resource: resource.name,
  });
  return {
    write: (request) => call('write', asked(request)) as WriteResult,
    scale: (request) => call('scale', asked(request)) as WriteResult,
    define: (definition) => call('define', definition) as Readonly<Record<string, unknown>>,
    undefine: (group, kind) => void call('undefine', { group, kind }),
    print: ({ group, version, kind, custom, columns }, objects) =>
      call('table', { group, version, kind, custom, columns, objects }) as Printed,
    components: (group, version, kinds) => {
      const found = call('components', { group, version, kinds });
      return isObject(found) ? found : {};
    },
    fromProtobuf: (body) => call('protobuf', Buffer.from(body).toString('base64')) as string,
  };
}
