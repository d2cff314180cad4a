/** How a pod fares: well, unless its annotation or its image asks for a fault (docs/reference/embedded-cluster.md). */
import type { Container, Pod } from './kinds.ts';

export const faultNote = 'embedded.trueup.dev/fault';

export interface End {
  readonly exitCode: number;
  readonly reason: string;
}
export interface Fate {
  readonly pulls: boolean;
  readonly becomesReady: boolean;
  /** How its containers end a second after they start; undefined: they run on. */
  readonly end?: End;
}

const completed: End = { exitCode: 0, reason: 'Completed' };
const missing = /[:/]does-not-exist/;

export function fateOf(
  { metadata, spec }: Pod,
  { image = '', restartPolicy }: Container,
  isInit: boolean,
): Fate {
  const fault = metadata.annotations?.[faultNote] ?? '';
  const pulls = !missing.test(image) && fault !== 'image-pull';
  const isSidecar = isInit && restartPolicy === 'Always';
  if (isInit) return { pulls, becomesReady: true, ...(isSidecar ? {} : { end: completed }) };
  const end = faultyEnd(fault) ?? (spec.restartPolicy === 'Always' ? undefined : completed);
  return { pulls, becomesReady: fault !== 'not-ready', ...(end === undefined ? {} : { end }) };
}

function faultyEnd(fault: string): End | undefined {
  if (fault === 'crash-loop') return { exitCode: 1, reason: 'Error' };
  if (fault === 'oom') return { exitCode: 137, reason: 'OOMKilled' };
  const [, code] = /^exit-(\d{1,3})$/.exec(fault) ?? [];
  if (code === undefined) return undefined;
  return Number(code) === 0 ? completed : { exitCode: Number(code), reason: 'Error' };
}
