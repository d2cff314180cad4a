/** The second half of go-module.sh: compresses the module it built, or compares it with the one that is there. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const [mode, built = '', dist = '', name = ''] = process.argv.slice(2);
const wasm = readFileSync(built);
const digest = createHash('sha256').update(wasm).digest('hex');
const moduleFile = path.join(dist, `${name}.wasm.br`);
const digestFile = path.join(dist, `${name}.sha256`);

if (mode === '--check') {
  const there = readFileSync(digestFile, 'utf8').trim();
  const kept = createHash('sha256')
    .update(brotliDecompressSync(readFileSync(moduleFile)))
    .digest('hex');
  if (kept !== there) fail(`${moduleFile} is not what ${name}.sha256 says (${there})`);
  if (digest !== there) fail(`the sources give ${digest}, the repository has ${there}`);
  process.stdout.write(`${name}: the module is what its sources give (${digest})\n`);
} else {
  mkdirSync(dist, { recursive: true });
  const compressed = brotliCompressSync(wasm, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length,
    },
  });
  writeFileSync(moduleFile, compressed);
  writeFileSync(digestFile, `${digest}\n`);
  process.stdout.write(`${name}: ${wasm.length} bytes, ${compressed.length} compressed, ${digest}\n`);
}

function fail(message: string): never {
  process.stderr.write(`${name}: ${message}; build it with its script and commit what it writes\n`);
  process.exit(1);
}
