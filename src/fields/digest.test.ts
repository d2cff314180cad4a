import { describe, expect, it } from 'vitest';
import { createSealer, digestOf } from './digest.ts';

describe('digests', () => {
  it('are the SHA-256 of the text', () => {
    expect(digestOf('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digestOf(new TextEncoder().encode('abc'))).toBe(digestOf('abc'));
  });
  it('of secrets depend on the key (S14)', () => {
    const one = createSealer(new Uint8Array(32).fill(1));
    const other = createSealer(new Uint8Array(32).fill(2));
    expect(one.seal('hunter2')).not.toBe(other.seal('hunter2'));
    expect(one.seal('hunter2')).not.toBe(digestOf('hunter2'));
    expect(one.seal('hunter2')).toBe(createSealer(new Uint8Array(32).fill(1)).seal('hunter2'));
    expect(one.digest('x')).toBe(digestOf('x'));
  });
  it('refuse a key that is no key', () => {
    expect(() => createSealer(new Uint8Array(3))).toThrow('16 bytes');
  });
});
