/** What processes cost, from /proc: Linux only. The kernel counts in ticks of 10 ms. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const ticksPerSecond = 100;

export interface ProcessCpu {
  /** With all its threads. */
  readonly selfS: number;
  /** Of its children: those that ended and those that run. */
  readonly childrenS: number;
}

interface Stat {
  readonly parent: number;
  readonly selfS: number;
  readonly endedChildrenS: number;
}

export function cpuOf(pid: number): ProcessCpu {
  const stats = new Map<number, Stat>();
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? readStat(Number(entry)) : undefined;
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  const own = stats.get(pid);
  if (own === undefined) return { selfS: 0, childrenS: 0 };
  return { selfS: own.selfS, childrenS: own.endedChildrenS + runningChildrenS(pid, stats) };
}

function runningChildrenS(pid: number, stats: ReadonlyMap<number, Stat>): number {
  let seconds = 0;
  for (const [child, stat] of stats) {
    if (stat.parent === pid) seconds += stat.selfS + stat.endedChildrenS + runningChildrenS(child, stats);
  }
  return seconds;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const members = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const seconds = (index: number): number => (members[index] ?? 0) / ticksPerSecond;
    return {
      parent: members[1] ?? 0,
      selfS: seconds(11) + seconds(12),
      endedChildrenS: seconds(13) + seconds(14),
    };
  } catch {
    return undefined; // It ended between the listing and the look.
  }
}

export interface ProcessMemory {
  /** Since the start, or since `forgetPeakMemory`. */
  readonly peakMb: number;
  readonly residentMb: number;
}

export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1024);
  return { peakMb: mb('VmHWM'), residentMb: mb('VmRSS') };
}

export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** CPU-seconds that anybody on this machine used: user, nice, system, interrupts. */
export function machineCpuS(): number {
  const [, ...members] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/);
  const ticks = [0, 1, 2, 5, 6].reduce((sum, index) => sum + Number(members[index] ?? 0), 0);
  return ticks / ticksPerSecond;
}
