/** What Trueup itself asked of the API server, from the server's audit log. */
import { open, stat } from 'node:fs/promises';
import type { Counts } from './api-server.ts';

interface AuditEvent {
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
}

const writeVerbs = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** They answer a question in the form of a write. */
const reviews = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'subjectaccessreviews']);

export interface Requests {
  /** By verb and resource: `patch deployments`. */
  readonly byResource: Counts;
  /** Not of Leases. */
  readonly writes: number;
  /** GETs and LISTs; not opening a watch. */
  readonly reads: number;
  readonly total: number;
}

/** A moment, as a length of the log. */
export async function markAudit(auditLog: string): Promise<number> {
  return (await stat(auditLog)).size;
}

/** Between two moments. */
export async function requestsBetween(auditLog: string, from: number, to: number): Promise<Requests> {
  const byResource: Record<string, number> = {};
  let [writes, reads, total] = [0, 0, 0];
  for (const event of await readEvents(auditLog, from, to)) {
    const resource = event.objectRef?.resource ?? event.requestURI.split('?')[0] ?? '';
    const below = event.objectRef?.subresource === undefined ? '' : `/${event.objectRef.subresource}`;
    const dryRun = event.requestURI.includes('dryRun=') ? ' (dry run)' : '';
    const key = `${event.verb} ${resource}${below}${dryRun}`;
    byResource[key] = (byResource[key] ?? 0) + 1;
    if (event.verb === 'watch' || resource === 'leases') continue;
    total++;
    const isWrite = writeVerbs.has(event.verb) && !reviews.has(resource) && dryRun === '';
    if (isWrite) writes++;
    else reads++;
  }
  return { byResource: sorted(byResource), writes, reads, total };
}

async function readEvents(auditLog: string, from: number, to: number): Promise<readonly AuditEvent[]> {
  const file = await open(auditLog);
  try {
    const { buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line.includes('"userAgent":"trueup') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent);
  } finally {
    await file.close();
  }
}

function sorted(counts: Record<string, number>): Counts {
  return Object.fromEntries(Object.entries(counts).toSorted(([, a], [, b]) => b - a));
}
