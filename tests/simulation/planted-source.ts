/** Imported before a worker: what lies in the directory that PLANTED names stands in for the same file of the checkout. */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const planted = process.env['PLANTED'] ?? '';

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (planted === '' || !url.startsWith('file:')) return loaded;
    const instead = join(planted, relative(checkout, fileURLToPath(url)));
    return existsSync(instead) ? { ...loaded, source: readFileSync(instead) } : loaded;
  },
});
