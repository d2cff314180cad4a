/** Programs of the system that some tests are tried with, and that a newcomer need not have. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Whether they are there. Where everything has to be tried it is taken for granted, so that what is missing fails. */
export function canTry(...programs: readonly string[]): boolean {
  return process.env['CI'] !== undefined || programs.every(isInstalled);
}

/** Whether a volume of that size is there now, which takes the right to mount; where everything has to be tried, who lacks it fails. */
export function tryMount(place: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', place], { stdio: 'pipe' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    return false;
  }
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}
