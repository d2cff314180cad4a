/** How much of a tree one rendering may read and give. A hostile or mistaken tree fails by itself (F13, F20, F21). */

export interface RenderLimits {
  readonly fileBytesMax: number;
  readonly totalBytesMax: number;
  /** Of one object as JSON: etcd refuses larger requests by default. */
  readonly objectBytesMax: number;
  readonly objectsMax: number;
  /** Of one file. */
  readonly aliasesMax: number;
  /** Of one file, aliases expanded. */
  readonly nodesMax: number;
  readonly depthMax: number;
}

const mebibyte = 1024 * 1024;

export const renderLimits: RenderLimits = {
  fileBytesMax: 8 * mebibyte,
  totalBytesMax: 32 * mebibyte,
  objectBytesMax: 1.5 * mebibyte,
  objectsMax: 10_000,
  aliasesMax: 10_000,
  nodesMax: 1_000_000,
  depthMax: 100,
};

/** `9.5 MiB`, `812 KiB`, `17 bytes`. */
export function sizeText(bytes: number): string {
  if (bytes >= mebibyte) return `${(bytes / mebibyte).toFixed(1).replace(/\.0$/, '')} MiB`;
  if (bytes >= 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${bytes} bytes`;
}
