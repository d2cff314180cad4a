import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readKey, readPlain } from './scalars.ts';

describe('plain scalars', () => {
  it.each([
    ['', null],
    ['~', null],
    ['null', null],
    ['NULL', null],
    ['true', true],
    ['False', false],
    ['0', 0],
    ['-0', 0],
    ['+12', 12],
    ['-7', -7],
    ['0x1F', 31],
    ['9007199254740991', 9007199254740991],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1.', 1],
    ['1e3', 1000],
    ['text', 'text'],
    ['nulL', 'nulL'],
    ['tRue', 'tRue'],
    ['1.2.3', '1.2.3'],
    ['10m', '10m'],
    ['1:30', '1:30'],
    ['2024-01-01', '2024-01-01'],
    ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
    ['Inf', 'Inf'],
    ['-', '-'],
    ['.', '.'],
    ['_1', '_1'],
    ['192.0.2.1', '192.0.2.1'],
    ['1f2e3d4c', '1f2e3d4c'],
    ['=', '='],
  ])('%s is what both rules say', (text, value) => {
    expect(readPlain(text)).toEqual({ value });
  });
  it.each([
    'yes',
    'Yes',
    'YES',
    'no',
    'No',
    'NO',
    'on',
    'On',
    'ON',
    'off',
    'Off',
    'OFF',
    'y',
    'Y',
    'n',
    'N',
    '0400',
    '-0400',
    '+07',
    '08',
    '00',
    '0o17',
    '0O17',
    '0b11',
    '-0b11',
    '0B1',
    '-0x1',
    '0X1F',
    '1_000',
    '0_7',
    '1_0.5',
    '0x_1',
    '.inf',
    '-.INF',
    '+.Inf',
    '.nan',
    '.NaN',
    '9007199254740992',
    '-9007199254740993',
    '18446744073709551616',
    '0x20000000000000',
    '1e400',
  ])('%s is refused: the two rules differ, or it cannot be kept', (text) => {
    const read = readPlain(text);
    expect(read).toHaveProperty('looks');
    // The value may be a secret (S14).
    expect((read as { looks: string }).looks).not.toContain('17');
  });
  it('are never a number that is not what stands there', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+0-9._xobeE]{1,12}$/), (text) => {
        const read = readPlain(text);
        if ('value' in read && typeof read.value === 'number') expect(read.value).toBe(Number(text) + 0);
      }),
    );
  });
});

describe('keys', () => {
  it.each(['name', '8080', 'true', 'a.b/c', '1.2.3', '-1'])('%s is that text', (text) => {
    expect(readKey(text)).toBe(text);
  });
  it.each(['', '~', 'null', 'True', 'yes', 'on', 'y', '1.10', '1.5', '0x10', '+1', '010', '1_0'])(
    '%j is refused',
    (text) => {
      expect(readKey(text)).toHaveProperty('instead');
    },
  );
});
