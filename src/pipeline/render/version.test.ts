import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rendererVersion } from './version.ts';

it('the version is the module that is shipped: who builds another one writes its digest here', () => {
  const shipped = readFileSync(new URL('../../../render-wasm/dist/renderer.sha256', import.meta.url), 'utf8');
  expect(rendererVersion).toBe(shipped.trim());
});
