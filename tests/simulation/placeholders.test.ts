import { describe, expect, test } from 'vitest';
import { Placeholders, type Unread } from './placeholders.ts';

const carried: Unread = { isOpaque: (member) => member !== 'metadata', texts: [] };
const nowMs = Date.parse('2026-03-01T10:00:00Z');

/** What the API server is asked, and what it is taken to have answered, when it answers with what it was sent. */
function exchange(live: object, body: object, unread?: Unread) {
  const places = new Placeholders(live, body, nowMs, unread);
  const asked = { live: places.hide(live), body: places.hideBody(body) };
  return { asked, shown: places.show(asked.body) };
}
const named = (name: string, labels: object, spec: object): object => ({
  metadata: { name, namespace: 'shop', labels },
  spec,
});

describe('two worlds', () => {
  test('ask the same of objects that differ in what is only compared, and each is answered in its own terms', () => {
    const requests = ['web', 'jobs'].map((name, index) => {
      const body = named(name, { owner: name }, { isOn: index === 0, revision: `r${index}` });
      return {
        ...exchange(named(name, { owner: name }, { isOn: index === 1, revision: 'r' }), body, carried),
        body,
      };
    });
    expect(requests[0]?.asked).toEqual(requests[1]?.asked);
    for (const { shown, body } of requests) expect(shown).toEqual(body);
  });

  test('a switch that is thrown looks thrown, one that is not does not', () => {
    const isOnIn = (live: boolean, body: boolean): unknown[] => {
      const { asked } = exchange(named('a', {}, { isOn: live }), named('a', {}, { isOn: body }), carried);
      return [asked.live, asked.body].map((side) => (side as { spec: { isOn: unknown } }).spec.isOn);
    };
    for (const [live, body] of [
      [true, false],
      [false, true],
    ] as const) {
      const [before, after] = isOnIn(live, body);
      expect(before).not.toBe(after);
    }
    for (const both of [true, false]) expect(new Set(isOnIn(both, both)).size).toBe(1);
  });

  test.each(['Web', 'a/b', '-a', 'x'.repeat(64)])('a name that is refused stays: %s', (name) => {
    const { asked } = exchange(named(name, { owner: 'a b' }, {}), {}, carried);
    expect(asked.live).toMatchObject({ metadata: { name, labels: { owner: 'a b' } } });
  });

  test('where texts mean something they stay', () => {
    const body = named('web', { owner: 'web' }, { revision: 'r1' });
    expect(exchange({}, body).asked.body).toEqual(body);
  });
});

test('a refusal names what was asked for', () => {
  const places = new Placeholders(undefined, {}, nowMs, carried);
  const hidden = places.hideName('web');
  expect(hidden).not.toBe('web');
  expect(places.showRefusal({ message: `units "${hidden}" exists`, details: { name: hidden } })).toEqual({
    message: 'units "web" exists',
    details: { name: 'web' },
  });
});
