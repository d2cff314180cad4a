/** Events of a watch as they stand in its lines. */
interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly uid?: string; readonly name?: string } };
}

/** F7: of several events for one object only what they come to is left, as from a cache that fell behind. */
export function coalesced(chunks: readonly Uint8Array[]): Uint8Array {
  const lines = Buffer.concat([...chunks])
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const last = new Map<string, WatchEvent>();
  for (const line of lines) {
    const event = JSON.parse(line) as WatchEvent;
    const key = event.object.metadata?.uid ?? event.type;
    const before = last.get(key);
    // In the place of the last of them: versions must not go back.
    last.delete(key);
    const isNew = before?.type === 'ADDED' && event.type === 'MODIFIED';
    last.set(key, isNew ? { ...event, type: 'ADDED' } : event);
  }
  return Buffer.from([...last.values()].map((event) => `${JSON.stringify(event)}\n`).join(''));
}
