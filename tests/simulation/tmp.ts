import { sharedMachinery } from './machinery.ts';
import { runSeed } from './run.ts';
const { answers } = await sharedMachinery();
const c = new Map<string, [number, number, number]>();
const get = answers.get.bind(answers);
const seen = new Map<string, string[]>();
answers.get = (key, make) => {
  const k = JSON.parse(key.replace(/\b\d{16,}\b/g,'0'));
  const label = `${k[2]} ${k[3].verb} ${k[3].subresource} ${k[3].live ? 'live' : 'new'}`;
  const e = c.get(label) ?? [0, 0, 0]; c.set(label, e);
  return get(key, () => { const s = performance.now(); e[1]++; const a = make(); e[2] += performance.now() - s; if ((seen.get(label) ?? []).length < 6) seen.set(label, [...seen.get(label) ?? [], key]); return a; });
};
const s = performance.now();
for (let seed = 10; seed < 25; seed++) await runSeed({ seed });
console.log(performance.now() - s, answers.hits, answers.misses);
for (const [k, v] of [...c].sort((a, b) => b[1][2] - a[1][2])) console.log(k, v[1], 'misses', v[2].toFixed(0), 'ms');
for (const l of ['UnitState update  live', 'Application merge  live', 'ConfigMap apply  new','ConfigMap apply  live']) for (const k of (seen.get(l) ?? []).slice(3, 5)) console.log(l, k.slice(0, 6000), '\n');
