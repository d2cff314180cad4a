/** YAML that stands as text in a setting or in a file. What cannot be read is said, never thrown. */
import { parseDocument } from 'yaml';

export interface ReadYaml {
  /** Undefined where there is a problem. */
  readonly value: unknown;
  /** Without the text around it, which may be a secret. `line` counts from 1. */
  readonly problem?: { readonly message: string; readonly line?: number };
}

/** Far above what anybody writes by hand: more is an attempt to fill the memory. */
const aliasesMax = 100;

export function readYaml(text: string, version: '1.1' | '1.2' = '1.2'): ReadYaml {
  const document = parseDocument(text, { version });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    const message = error.message.split(' at line ')[0]!;
    return { value: undefined, problem: { message, ...(line === undefined ? {} : { line }) } };
  }
  try {
    return { value: document.toJS({ maxAliasCount: aliasesMax }) };
  } catch (thrown) {
    // Aliases are looked up only now.
    return { value: undefined, problem: { message: (thrown as Error).message } };
  }
}

export const problemText = ({ message, line }: NonNullable<ReadYaml['problem']>): string =>
  `${line === undefined ? '' : `line ${line}: `}${message}`;
