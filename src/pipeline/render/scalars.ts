/**
 * What an unquoted word in a YAML file means. Kubernetes reads files with the rules of YAML 1.1 as the Go library has
 * them; people and most editors think in those of YAML 1.2. A word that both read alike has that value. A word that
 * they read differently is refused, with what to write instead: until the Go decoder comes with the renderer, we do
 * not guess.
 *
 * Words that look odd and are read alike are plain text: `1:30` (the Go library has no base-60 numbers), `2024-01-01`
 * (timestamps stay text in manifests), `Inf`.
 */
export type PlainScalar =
  | { readonly value: null | boolean | number | string }
  /** `looks`: what Kubernetes would take it for; `instead`: what to write. */
  | { readonly looks: string; readonly instead: string };

const nulls = new Set(['', '~', 'null', 'Null', 'NULL']);
const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);
const oldBooleans = new Set([
  'y',
  'Y',
  'yes',
  'Yes',
  'YES',
  'on',
  'On',
  'ON',
  'n',
  'N',
  'no',
  'No',
  'NO',
  'off',
  'Off',
  'OFF',
]);
const specialFloat = /^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/;
const decimalInteger = /^[-+]?(0|[1-9][0-9]*)$/;
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const hexadecimal = /^0x[0-9a-fA-F]+$/;

export function readPlain(text: string): PlainScalar {
  if (nulls.has(text)) return { value: null };
  const boolean = booleans.get(text);
  if (boolean !== undefined) return { value: boolean };
  if (oldBooleans.has(text))
    return {
      looks: 'a truth value (`yes`, `no`, `on`, `off`, `y` or `n`)',
      instead: 'write true or false, or put the text in quotes',
    };
  if (specialFloat.test(text))
    return {
      looks: 'an infinite or undefined number',
      instead: 'put it in quotes if it is text; JSON has no such number',
    };
  if (!/^[-+.0-9]/.test(text)) return { value: text };
  return readNumber(text);
}

function readNumber(text: string): PlainScalar {
  if (decimalInteger.test(text) || hexadecimal.test(text)) {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return { value: value === 0 ? 0 : value };
    return {
      looks: 'an integer beyond 2^53, which cannot be kept exactly',
      instead: 'put it in quotes if the field is text; larger integers are not supported yet',
    };
  }
  if (/^[-+]?0[0-9]+$/.test(text))
    return {
      looks: 'an octal number, because of its leading zero',
      instead:
        'write the number in decimal (for file modes 0400 is 256, 0644 is 420), or put the text in quotes',
    };
  if (float.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return { value };
    return { looks: 'a number out of range', instead: 'put it in quotes if it is text' };
  }
  if (isNumberToGo(text.replaceAll('_', '')))
    return {
      looks: text.includes('_') ? 'a number with underscores' : 'a number in another base',
      instead: 'write the number in decimal, or put the text in quotes',
    };
  return { value: text };
}

/** What is left of the forms that Go reads as numbers, underscores removed. */
function isNumberToGo(text: string): boolean {
  return /^[-+]?0[xX][0-9a-fA-F]+$|^[-+]?0[bB][01]+$|^[-+]?0[oO]?[0-7]+$/.test(text) || float.test(text);
}

/**
 * A member name. Kubernetes turns every key into text: `8080` and `true` become what stands there; `1.10`, `0x10`,
 * `True` or `yes` would become something else, and an empty key nothing.
 */
export function readKey(text: string): string | { readonly looks: string; readonly instead: string } {
  const read = readPlain(text);
  if (!('value' in read)) return read;
  if (
    String(read.value) === text &&
    read.value !== null &&
    !(typeof read.value === 'number' && !decimalInteger.test(text))
  )
    return text;
  return { looks: 'a key that is not text', instead: 'put the key in quotes' };
}
