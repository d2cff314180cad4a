/** Manifests that a command is handed as a file. */
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '#model/object.ts';
import { CommandEnd, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export function readManifests(file: string, { readFile }: CommandPorts): readonly Manifest[] {
  const usage = (message: string) => new CommandEnd(exitCodes.usage, `${file}: ${message}`);
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    throw usage(`cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
  const documents = parseAllDocuments(text);
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined)
    throw usage(`line ${broken.linePos?.[0].line ?? 1}: ${broken.message.split(' at line ')[0]}`);
  return documents.flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}
