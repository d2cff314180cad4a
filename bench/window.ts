/** A stretch of time and what it cost: readings at both ends, and their difference. */
import { loadavg } from 'node:os';
import type { Counts } from './api-server.ts';
import { cpuOf, machineCpuS, memoryOf, type ProcessCpu } from './processes.ts';
import { markAudit, requestsBetween, type Requests } from './requests.ts';
import { now, round } from './time.ts';
import type { World } from './world.ts';

interface Reading {
  readonly atS: number;
  readonly pid: number | undefined;
  readonly trueup: ProcessCpu;
  readonly controlPlaneS: number;
  readonly gitServerS: number;
  readonly harnessS: number;
  readonly machineS: number;
  readonly byVerb: Counts;
  readonly byResource: Counts;
  readonly own: Counts;
  readonly audit: number;
  readonly git: Counts;
}

export interface Cost {
  readonly seconds: number;
  /** Of Trueup with its threads and its git processes. */
  readonly cpuS: number;
  readonly ofThatGitS: number;
  readonly peakMb: number;
  readonly residentMb: number;
  /** At the API server without the harness's and without opening watches; the controller-manager's are in it. */
  readonly requests: number;
  readonly requestsByVerb: Counts;
  readonly requestsByResource: Counts;
  /** Trueup's alone. */
  readonly trueupRequests: Requests;
  readonly gitServerRequests: Counts;
  readonly controlPlaneCpuS: number;
  readonly gitServerCpuS: number;
  readonly harnessCpuS: number;
  /** Everybody else's on this machine: where it is high, times are not to be quoted. */
  readonly foreignCpuS: number;
  readonly load1: number;
}

export class Window {
  readonly #world: World;
  readonly #begin: Reading;

  private constructor(world: World, begin: Reading) {
    this.#world = world;
    this.#begin = begin;
  }

  static async open(world: World, running = true): Promise<Window> {
    return new Window(world, await read(world, running));
  }

  /** What it cost up to now; it stays open. */
  async cost(): Promise<Cost> {
    const from = this.#begin;
    const to = await read(this.#world, true);
    const isSame = from.pid === to.pid;
    const gitS = to.trueup.childrenS - (isSame ? from.trueup.childrenS : 0);
    const cpuS = to.trueup.selfS - (isSame ? from.trueup.selfS : 0) + gitS;
    const parts = {
      controlPlaneCpuS: to.controlPlaneS - from.controlPlaneS,
      gitServerCpuS: to.gitServerS - from.gitServerS,
      harnessCpuS: to.harnessS - from.harnessS,
    };
    const known = cpuS + parts.controlPlaneCpuS + parts.gitServerCpuS + parts.harnessCpuS;
    const { SCRAPE: _, ...own } = difference(to.own, from.own);
    const requestsByVerb = difference(difference(to.byVerb, from.byVerb), own);
    const { peakMb, residentMb } = memoryOf(this.#world.trueup.pid);
    return {
      seconds: round(to.atS - from.atS),
      cpuS: round(cpuS, 2),
      ofThatGitS: round(gitS, 2),
      peakMb,
      residentMb,
      requests: sumOf(requestsByVerb, ({ verb }) => verb !== 'WATCH'),
      requestsByVerb,
      requestsByResource: difference(to.byResource, from.byResource),
      trueupRequests: await requestsBetween(this.#world.auditLog, from.audit, to.audit),
      gitServerRequests: difference(to.git, from.git),
      controlPlaneCpuS: round(parts.controlPlaneCpuS, 2),
      gitServerCpuS: round(parts.gitServerCpuS, 2),
      harnessCpuS: round(parts.harnessCpuS, 2),
      foreignCpuS: round(to.machineS - from.machineS - known, 2),
      load1: round(loadavg()[0] ?? 0, 2),
    };
  }
}

async function read(world: World, running: boolean): Promise<Reading> {
  const { api, controlPlane, git, trueup } = world;
  const total = (cpu: ProcessCpu): number => cpu.selfS + cpu.childrenS;
  const { byVerb, byResource } = await api.requestCounts();
  const { user, system } = process.cpuUsage();
  return {
    atS: now(),
    pid: running ? trueup.pid : undefined,
    trueup: running ? cpuOf(trueup.pid) : { selfS: 0, childrenS: 0 },
    controlPlaneS: total(cpuOf(controlPlane.pid)),
    gitServerS: total(cpuOf(git.pid)),
    harnessS: (user + system) / 1e6,
    machineS: machineCpuS(),
    byVerb,
    byResource,
    own: api.own,
    audit: await markAudit(world.auditLog),
    git: { ...(await git.counts()) },
  };
}

function difference(to: Counts, from: Counts): Counts {
  const keys = new Set([...Object.keys(to), ...Object.keys(from)]);
  const changed = [...keys].map((key) => [key, (to[key] ?? 0) - (from[key] ?? 0)] as const);
  return Object.fromEntries(changed.filter(([, count]) => count !== 0).toSorted(([, a], [, b]) => b - a));
}

function sumOf(counts: Counts, isMeant: (entry: { readonly verb: string }) => boolean): number {
  return Object.entries(counts).reduce((sum, [verb, count]) => sum + (isMeant({ verb }) ? count : 0), 0);
}
