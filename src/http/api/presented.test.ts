import { expect, it } from 'vitest';
import { presented } from './presented.ts';

it('S14: of a Secret no value, and none of the annotations that the installation names', () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', annotations: { 'api-key': 'canary', plain: 'yes' } },
    data: { a: 'canary' },
  };
  expect(presented(secret, ['api-key'])).toEqual({
    ...secret,
    metadata: { name: 's', annotations: { 'api-key': '++++++++', plain: 'yes' } },
    data: { a: '++++++++' },
  });
  expect(presented(secret).metadata.annotations).toEqual(secret.metadata.annotations);
});
