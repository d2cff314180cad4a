import { describe, expect, test } from 'vitest';
import { ManualTime } from '#kube/manual-time.fixture.ts';
import { badRequest } from '../status.ts';
import { forgetful, Store, type Change } from '../store.ts';
import { Runner, type Again, type Controller } from './runner.ts';

const object = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '' },
});

class Watching implements Controller {
  readonly name = 'watching';
  readonly looks: string[] = [];
  readonly #act: (key: string, again: Again) => void;
  constructor(act: (key: string, again: Again) => void = () => {}) {
    this.#act = act;
  }
  concerns({ object }: Change): readonly string[] {
    return [object.metadata.name];
  }
  sync(key: string, again: Again): void {
    this.looks.push(key);
    this.#act(key, again);
  }
}

function run(controller: Controller, store = new Store(forgetful)) {
  const time = new ManualTime();
  const said: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const log = { debug() {}, info() {}, warn: say, error: say };
  const runner = new Runner({ store, clock: time, timers: time, log, controllers: [controller] });
  return { time, store, said, runner };
}

describe('the runner', () => {
  test('looks at what is stored at the start, and at each change once, outside the request', () => {
    const controller = new Watching();
    const { time, store, runner } = run(controller);
    store.put('/configmaps', object('old'));
    runner.start();
    store.put('/configmaps', object('b'));
    store.put('/configmaps', object('a'));
    store.put('/configmaps', object('b'));
    expect(controller.looks).toEqual([]);
    time.advance(0);
    expect(controller.looks).toEqual(['old', 'b', 'a']);
    expect(time.delaysMs).toEqual([]);
  });

  test('looks again when asked to, as soon as the shortest delay says', () => {
    const controller = new Watching((_, again) => {
      if (controller.looks.length > 1) return;
      again(500);
      again(100);
    });
    const { time, store, runner } = run(controller);
    runner.start();
    store.put('/configmaps', object('a'));
    time.advance(99);
    expect(controller.looks).toHaveLength(1);
    time.advance(1);
    expect(controller.looks).toHaveLength(2);
    time.advance(1000);
    expect(controller.looks).toHaveLength(2);
  });

  test('tries what was refused again, later each time, and not for ever', () => {
    const controller = new Watching(() => {
      throw badRequest('no');
    });
    const { time, store, said, runner } = run(controller);
    runner.start();
    store.put('/configmaps', object('a'));
    time.advance(49);
    expect(controller.looks).toHaveLength(1);
    time.advance(1);
    expect(controller.looks).toHaveLength(2);
    time.advance(10_000_000);
    expect(controller.looks).toHaveLength(10);
    expect(said).toEqual(['A controller of the cluster gives up until something changes']);
    expect(time.delaysMs).toEqual([]);
    store.put('/configmaps', object('a'));
    time.advance(0);
    expect(controller.looks).toHaveLength(11);
  });

  test('does nothing once it is stopped', () => {
    const controller = new Watching();
    const { time, store, runner } = run(controller);
    runner.start();
    store.put('/configmaps', object('a'));
    runner.stop();
    store.put('/configmaps', object('b'));
    time.advance(1000);
    expect(controller.looks).toEqual([]);
    expect(time.delaysMs).toEqual([]);
  });
});
