/** Charts and kustomizations that render without end or without measure, beside Applications that do not (F16, F22). */
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, yaml } from '../scenarios/manifests.ts';
import { useWorld } from '../scenarios/world.ts';
import type { Place } from '../scenarios/world.ts';

const world = useWorld();
type Files = Readonly<Record<string, string | null>>;

const chart = (template: string): Files => ({
  'app/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
  'app/templates/settings.yaml': template,
});
const settings = (value: string): string => yaml(configMap('settings', { value }));
const loop =
  '{{ range until 30000 }}{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}{{ end }}';
const doubling = '{{ $x := "x" }}{{ range until 40 }}{{ $x = print $x $x }}{{ end }}{{ $x }}';
const levels = 24;
/** Each level takes the one below it twice, under two names: 16 million objects of one. */
const bushy: Files = {
  'app/kustomization.yaml': 'resources: [0/a]\n',
  ...Object.fromEntries(
    Array.from({ length: levels }, (_, level) =>
      ['a', 'b'].map((side) => [
        `app/${level}/${side}/kustomization.yaml`,
        `namePrefix: ${side}-\nresources: [../../${level + 1}/a, ../../${level + 1}/b]\n`,
      ]),
    ).flat(),
  ),
  [`app/${levels}/a/kustomization.yaml`]: 'namePrefix: a-\nresources: [settings.yaml]\n',
  [`app/${levels}/a/settings.yaml`]: settings('1'),
  [`app/${levels}/b/kustomization.yaml`]: 'namePrefix: b-\nresources: [settings.yaml]\n',
  [`app/${levels}/b/settings.yaml`]: settings('1'),
};
const hostile: readonly (readonly [what: string, files: Files, mended: Files, says: RegExp])[] = [
  [
    'a chart that loops',
    chart(loop),
    chart(settings('2')),
    /app: Rendering did not finish within 30 s.*\(.+\) \[RenderTimeout\]/,
  ],
  [
    'another one',
    chart(`# another\n${loop}`),
    chart(settings('2')),
    /app: Rendering did not finish within 30 s.*\(.+\) \[RenderTimeout\]/,
  ],
  [
    'a chart that fills the memory',
    chart(doubling),
    chart(settings('2')),
    /app: Rendering needed more than 256 MiB of memory.*\(.+\) \[RenderOutOfMemory\]/,
  ],
  [
    'a kustomization that grows with every level',
    bushy,
    {
      ...Object.fromEntries(Object.keys(bushy).map((file) => [file, null])),
      'app/kustomization.yaml': 'resources: [settings.yaml]\n',
      'app/settings.yaml': settings('2'),
    },
    /app: Rendering .*\(.+\) \[Render(Timeout|OutOfMemory)\]/,
  ],
];

/** Long before the time limit of a rendering. */
const soonMs = 15_000;
let neighbours: readonly Place[];
const places = new Map<string, Place>();
beforeAll(async () => {
  const made = async (files: Files): Promise<Place> => {
    const place = await world.place();
    await place.push(files);
    await place.createApplication();
    await place.synced();
    return place;
  };
  neighbours = [
    await made({ 'app/settings.yaml': settings('1') }),
    await made(chart(settings('1'))),
    await made({
      'app/kustomization.yaml': 'resources: [settings.yaml]\n',
      'app/settings.yaml': settings('1'),
    }),
  ];
  for (const [what] of hostile) places.set(what, await made({ 'app/settings.yaml': settings('1') }));
}, 60_000);

describe('what renders without end or measure', () => {
  it('costs the other Applications seconds at most: they follow their commits meanwhile (F16)', async () => {
    for (const [what, files] of hostile)
      await places.get(what)!.pushAndHint({
        ...files,
        ...('app/templates/settings.yaml' in files && { 'app/settings.yaml': null }),
      });
    // Again and again, for as long as the others hold their workers.
    for (const value of ['2', '3', '4']) {
      for (const [index, place] of neighbours.entries()) {
        const files = index === 1 ? chart(settings(value)) : { 'app/settings.yaml': settings(value) };
        await place.synced(await place.pushAndHint(files), soonMs);
      }
    }
  });

  it.each(hostile)(
    '%s: its Application names the limit, keeps what is applied, and goes on when it is mended (F16, F22)',
    async (what, _, mended, says) => {
      const place = places.get(what)!;
      await place.condition(says, undefined, 70_000);
      expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '1' });
      const commit = await place.pushAndHint(mended);
      // The others may hold the workers until their time is over.
      await place.synced(commit, 90_000);
      expect((await place.live('v1/ConfigMap', 'settings'))['data']).toEqual({ value: '2' });
    },
    180_000,
  );
});
