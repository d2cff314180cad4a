/**
 * Compares resource versions. Officially they are opaque; since Kubernetes 1.35 they are documented to be
 * comparable within a kind as whole numbers, which they have been on etcd all along.
 */

/** Undefined for a version that is not a number: whoever asks then takes what came last for the newest. */
export function versionNumber(resourceVersion: string): bigint | undefined {
  return /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : undefined;
}
