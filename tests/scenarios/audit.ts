/** What was really asked of the API server, from its audit log: how a scenario shows "no write". */
import { open, stat } from 'node:fs/promises';

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
}

export interface Write {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
  /** The process that asked, by its user agent. */
  readonly by: string;
}

/** A moment, as a length of the log. */
export type Mark = number;

export async function markNow(auditLog: string): Promise<Mark> {
  return (await stat(auditLog)).size;
}

const writingVerbs = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** The writes that Trueup asked for since the mark, dry runs and Leases left out. */
export async function writesSince(auditLog: string, mark: Mark): Promise<readonly Write[]> {
  const file = await open(auditLog);
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(size - mark), 0, size - mark, mark);
    const lines = buffer.toString('utf8').split('\n');
    return lines
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(
        ({ verb, userAgent, requestURI, objectRef }) =>
          writingVerbs.includes(verb) &&
          userAgent?.startsWith('trueup') === true &&
          !requestURI.includes('dryRun=') &&
          !['leases', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'].includes(
            objectRef?.resource ?? '',
          ),
      )
      .map(({ verb, objectRef, responseStatus, userAgent = '' }) => ({
        verb,
        resource: objectRef?.resource ?? '',
        namespace: objectRef?.namespace ?? '',
        name: objectRef?.name ?? '',
        status: responseStatus?.code ?? 0,
        by: userAgent,
      }));
  } finally {
    await file.close();
  }
}
