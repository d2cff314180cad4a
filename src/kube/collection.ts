/** One collection of the API and what is told of it: the words between a reflector and those who keep its state. */
import type { Failure } from '#model/failure.ts';
import type { Manifest } from '#model/object.ts';

export interface Collection {
  /** `deployments.apps`. */
  readonly resource: string;
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly namespace?: string;
  /** Only names and versions are wanted, not bodies. */
  readonly metadataOnly?: true;
}
export interface Listing {
  page(items: readonly Manifest[]): void;
  /** All pages are in; nothing of the listing may show before this. */
  commit(resourceVersion: string): void;
}
export type WatchEvent =
  | { readonly type: 'set'; readonly manifest: Manifest }
  | { readonly type: 'gone'; readonly manifest: Manifest };
export type ReflectorState =
  | { readonly phase: 'starting' }
  | { readonly phase: 'live' }
  /** `refused`: the server said no (not served, not allowed), as opposed to trouble on the way. */
  | {
      readonly phase: 'failing';
      readonly failure: Failure;
      readonly refused: boolean;
      readonly sinceMs: number;
      /** When it was tried last. */
      readonly triedMs: number;
    };
export interface Sink {
  begin(): Listing;
  /** The events of one chunk, in order; `resourceVersion` is where the watch is now. */
  events(events: readonly WatchEvent[], resourceVersion: string): void;
  state(state: ReflectorState): void;
  /** A watch ended before its time, and is resumed: whoever serves it may have been replaced. */
  interrupted?(): void;
}
