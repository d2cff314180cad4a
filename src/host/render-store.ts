/**
 * What was rendered, in files of one directory. Each is encrypted under a key that is derived from the installation's,
 * and so is its name, which nobody can guess a secret from (S14). What is torn, changed, of another version or of
 * another installation is not there. Those that were used least recently go first, only copies after all others; the
 * files' times and the ends of their names say which, across restarts.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Digest } from '#model/json.ts';
import type { Clock, Log, Meter, RenderStore } from '#model/ports.ts';

export interface DiskRenderStoreOptions {
  readonly dir: string;
  /** The installation's: see `createSealer`. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Of all files together. */
  readonly bytesMax?: number;
  /** What is known of each file is in memory. */
  readonly filesMax?: number;
}

const mebibyte = 1024 * 1024;
const version = Buffer.from('TRS1');
const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const onlyCopy = '.only';
const filePattern = /^([0-9a-f]{64})(\.only)?$/;
const asidePattern = /^[0-9a-f]{64}\.[0-9a-f]+\.new$/;

interface KeptFile {
  /** Where it is in the directory: its name, and behind it whether it is the only copy. */
  readonly at: string;
  readonly bytes: number;
}

const deflated = promisify(deflateRaw);
const inflated = promisify(inflateRaw);

export class DiskRenderStore implements RenderStore {
  readonly #options: Required<DiskRenderStoreOptions>;
  readonly #contentKey: Buffer;
  readonly #nameKey: Buffer;
  /** By name; least recently used first. */
  readonly #files = new Map<string, KeptFile>();
  readonly #opened: Promise<void>;
  #bytes = 0;
  #isFailing = false;

  constructor(options: DiskRenderStoreOptions) {
    this.#options = { bytesMax: 256 * mebibyte, filesMax: 20_000, ...options };
    const derived = Buffer.from(hkdfSync('sha256', options.key, '', 'trueup rendered output', 2 * keyBytes));
    this.#contentKey = derived.subarray(0, keyBytes);
    this.#nameKey = derived.subarray(keyBytes);
    this.#opened = this.#open().catch((error: unknown) => this.#failed('write', error));
  }

  get bytes(): number {
    return this.#bytes;
  }

  async get(key: Digest): Promise<Uint8Array | undefined> {
    await this.#opened;
    const name = this.#nameOf(key);
    const kept = this.#files.get(name);
    if (kept === undefined) return undefined;
    try {
      const content = await readFile(this.#pathOf(kept.at));
      if (!content.subarray(0, version.length).equals(version)) return undefined;
      const value = await inflated(this.#decrypted(name, content.subarray(version.length)));
      await this.#touch(name);
      return value;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('read', error);
      return undefined;
    }
  }

  async put(key: Digest, value: Uint8Array, isOnlyCopy: boolean): Promise<void> {
    await this.#opened;
    const name = this.#nameOf(key);
    const content = Buffer.concat([version, this.#encrypted(name, await deflated(value))]);
    if (content.length > this.#options.bytesMax) return;
    const before = this.#files.get(name);
    const kept = { at: isOnlyCopy ? `${name}${onlyCopy}` : name, bytes: content.length };
    const aside = this.#pathOf(`${name}.${randomBytes(4).toString('hex')}.new`);
    this.#note(name, kept);
    try {
      await this.#evict();
      await writeFile(aside, content, { mode: 0o600, flag: 'wx' });
      await rename(aside, this.#pathOf(kept.at));
      if (before !== undefined && before.at !== kept.at) await rm(this.#pathOf(before.at), { force: true });
      this.#isFailing = false;
    } catch (error) {
      this.#forget(name);
      if (before !== undefined) this.#note(name, before);
      await rm(aside, { force: true }).catch(() => undefined);
      this.#failed('write', error);
    }
  }

  async remove(key: Digest): Promise<void> {
    await this.#opened;
    await this.#drop(this.#nameOf(key)).catch((error: unknown) => this.#failed('write', error));
  }

  async #open(): Promise<void> {
    const { dir } = this.#options;
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o700);
    const found: (KeptFile & { readonly name: string; readonly usedAtMs: number })[] = [];
    for (const at of await readdir(dir)) {
      if (asidePattern.test(at)) await rm(this.#pathOf(at), { force: true });
      const [, name] = filePattern.exec(at) ?? [];
      if (name === undefined) continue;
      const { size, mtimeMs } = await stat(this.#pathOf(at));
      found.push({ name, at, bytes: size, usedAtMs: mtimeMs });
    }
    for (const { name, at, bytes } of found.toSorted((one, other) => one.usedAtMs - other.usedAtMs))
      this.#note(name, { at, bytes });
    await this.#evict();
  }

  async #evict(): Promise<void> {
    const { bytesMax, filesMax } = this.#options;
    const isOver = (): boolean => this.#bytes > bytesMax || this.#files.size > filesMax;
    if (!isOver()) return;
    const oldestFirst = [...this.#files];
    const isOnly = ([name, { at }]: readonly [string, KeptFile]): boolean => at !== name;
    for (const [name] of [...oldestFirst.filter((file) => !isOnly(file)), ...oldestFirst.filter(isOnly)])
      if (isOver()) await this.#drop(name);
  }

  async #drop(name: string): Promise<void> {
    const kept = this.#files.get(name);
    if (kept === undefined) return;
    this.#forget(name);
    await rm(this.#pathOf(kept.at), { force: true });
  }

  /** As the one used last. */
  #note(name: string, kept: KeptFile): void {
    this.#forget(name);
    this.#files.set(name, kept);
    this.#bytes += kept.bytes;
  }

  #forget(name: string): void {
    this.#bytes -= this.#files.get(name)?.bytes ?? 0;
    this.#files.delete(name);
  }

  async #touch(name: string): Promise<void> {
    const kept = this.#files.get(name);
    if (kept === undefined) return;
    this.#note(name, kept);
    const nowSeconds = this.#options.clock.now() / 1000;
    // Where that cannot be written, it only goes sooner.
    await utimes(this.#pathOf(kept.at), nowSeconds, nowSeconds).catch(() => undefined);
  }

  #encrypted(name: string, content: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes);
    const encrypting = createCipheriv(cipher, this.#contentKey, nonce).setAAD(Buffer.from(name));
    const body = Buffer.concat([encrypting.update(content), encrypting.final()]);
    return Buffer.concat([nonce, encrypting.getAuthTag(), body]);
  }

  /** Throws unless every byte is as it was written, under this name. */
  #decrypted(name: string, file: Buffer): Buffer {
    const nonce = file.subarray(0, nonceBytes);
    const decrypting = createDecipheriv(cipher, this.#contentKey, nonce, { authTagLength: tagBytes });
    decrypting.setAAD(Buffer.from(name)).setAuthTag(file.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decrypting.update(file.subarray(nonceBytes + tagBytes)), decrypting.final()]);
  }

  #nameOf(key: Digest): string {
    return createHmac('sha256', this.#nameKey).update(key).digest('hex');
  }

  #pathOf(at: string): string {
    return path.join(this.#options.dir, at);
  }

  /** A full disk is told once, not with every rendering. */
  #failed(operation: 'read' | 'write', error: unknown): void {
    const { log, meter } = this.#options;
    meter.count('trueup_render_store_failures_total', { operation });
    const why = error instanceof Error ? error.message : String(error);
    const message = operation === 'read' ? 'cannot be read' : 'cannot be kept, which costs renderings';
    if (operation === 'read' || !this.#isFailing) log.warn({ why }, `what was rendered ${message}`);
    if (operation === 'write') this.#isFailing = true;
  }
}
