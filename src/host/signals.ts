/** Ending in an orderly way: Ctrl-C and SIGTERM reach every process of the group, often twice. */

export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/**
 * Calls `stop` at the first signal and never again: npm and the terminal may both deliver it. The listeners stay,
 * so that a repeated signal does not kill us while we are ending. Returns what removes them.
 */
export function onStopSignal(
  stop: (signal: 'SIGINT' | 'SIGTERM') => void,
  source: SignalSource = process,
): () => void {
  let stopping = false;
  const listen = (signal: 'SIGINT' | 'SIGTERM'): (() => void) => {
    const listener = (): void => {
      if (stopping) return;
      stopping = true;
      stop(signal);
    };
    source.on(signal, listener);
    return () => void source.off(signal, listener);
  };
  const removers = [listen('SIGINT'), listen('SIGTERM')];
  return () => removers.forEach((remove) => remove());
}
