/** Programs of the system that some tests are tried with, and that a newcomer need not have. */
import { spawnSync } from 'node:child_process';

/** Whether they are there. Where everything has to be tried it is taken for granted, so that what is missing fails. */
export function canTry(...programs: readonly string[]): boolean {
  return process.env['CI'] !== undefined || programs.every(isInstalled);
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}
