/** What `kubectl logs` prints: nothing runs, so there is only what the cluster knows of a container. */
import { refused } from './status.ts';
import { valueAt, type Stored } from './objects.ts';

interface ContainerStatus {
  readonly name: string;
  readonly state?: Readonly<Record<string, { readonly startedAt?: string; readonly reason?: string }>>;
}

/** Throws where the pod has no such container, or it has not begun. */
export function logOf(pod: Stored, wanted: string | undefined): string {
  const listed = valueAt(pod, ['spec', 'containers']);
  const names = (Array.isArray(listed) ? listed : []).map((container) =>
    String(valueAt(container, ['name'])),
  );
  const name = wanted ?? names[0] ?? '';
  const { metadata } = pod;
  if (!names.includes(name))
    throw refused(400, 'BadRequest', `container ${name} is not valid for pod ${metadata.name}`);
  const statuses = valueAt(pod, ['status', 'containerStatuses']);
  const status = (Array.isArray(statuses) ? (statuses as readonly ContainerStatus[]) : []).find(
    (candidate) => candidate.name === name,
  );
  const { running, terminated, waiting } = status?.state ?? {};
  if (running === undefined && terminated === undefined)
    throw refused(
      400,
      'BadRequest',
      `container "${name}" in pod "${metadata.name}" is waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`,
    );
  const began = running?.startedAt ?? terminated?.startedAt ?? metadata.creationTimestamp;
  return `${began} ${name} began. Nothing runs in the embedded cluster: this line is all that it says.\n`;
}
