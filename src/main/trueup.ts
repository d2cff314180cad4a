/** The program: which commands there are, and how each ends. */
import process from 'node:process';
import { CommandEnd } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-codes.ts';
import { onceStopped, program } from './program.ts';

const stopped = onceStopped();
try {
  await program(stopped).parseAsync(process.argv);
} catch (error) {
  process.exitCode = endOf(error);
}
// Agents, watches and workers of a finished command must not keep the process.
process.exit();

function endOf(error: unknown): number {
  if (error instanceof CommandEnd) {
    if (error.message !== '') process.stderr.write(`trueup: ${error.message}\n`);
    return error.exitCode;
  }
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  // commander has already said what is wrong with the words of the call.
  if (code?.startsWith('commander.') === true) return exitCode === 0 ? exitCodes.done : exitCodes.usage;
  process.stderr.write(
    `trueup: a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return exitCodes.failed;
}
