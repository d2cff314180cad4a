/** Whether a command does the same in both clusters. */
import type { Outcome, Shell } from './shell.ts';
import type { Command } from './commands.ts';

export interface Comparison {
  readonly was: string;
  readonly is: string;
  readonly agree: boolean;
}

/** What only looks may be asked again: controllers take different times to the same end. */
const looking =
  /^kubectl (?:get|describe|events|diff|logs|explain|api-|auth|cluster-info|set env \S+ --list|rollout (?:status|history))/;
const againMsMax = 8_000;
const againAfterMs = 250;

/** What is known to differ is asked until it does. */
export async function compare(
  command: Command,
  real: Shell,
  embedded: Shell,
  isKnownToDiffer = false,
): Promise<Comparison> {
  const { line, after } = command;
  const both = (text: string): Promise<[Outcome, Outcome]> =>
    Promise.all([real.run(text), embedded.run(text)]);
  const deadline = Date.now() + againMsMax;
  if (after !== undefined)
    await until(deadline, async () => (await both(after)).every(({ code }) => code === 0));
  let last = verdict(command, await both(line));
  if (looking.test(line))
    await until(deadline, async () => {
      if (last.agree === isKnownToDiffer) last = verdict(command, await both(line));
      return last.agree !== isKnownToDiffer;
    });
  return last;
}

async function until(deadline: number, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone()) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, againAfterMs));
}

function verdict(
  { compare: how, says = '' }: Command,
  [real, embedded]: readonly [Outcome, Outcome],
): Comparison {
  const [was, is] = [real, embedded].map((outcome) => text(outcome, how === 'code'));
  if (!`${embedded.stdout}${embedded.stderr}`.includes(says))
    return { was: `something that says: ${says}`, is: text(embedded, false), agree: false };
  if (how !== 'subset') return { was: was!, is: is!, agree: was === is };
  const known = new Set(was!.split('\n'));
  const more = is!.split('\n').filter((each) => !known.has(each));
  return { was: was!, is: is!, agree: more.length === 0 };
}

const text = ({ code, stdout, stderr }: Outcome, isCodeOnly: boolean): string =>
  isCodeOnly ? `exit code ${code}` : `${stdout}\n--- stderr\n${stderr}\n--- exit code ${code}\n`;
