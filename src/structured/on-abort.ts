/**
 * Listening to a signal that many listen to. An EventTarget compares each new listener with all that it has, so ten thousand who
 * wait under one signal would cost ten thousand times ten thousand comparisons (8 µs each time at 1,000, 170 µs at 20,000); here a
 * signal has one listener of ours, and a set.
 */

interface Listening {
  readonly callbacks: Set<() => void>;
  readonly stop: () => void;
}

const listening = new WeakMap<AbortSignal, Listening>();

/**
 * Calls back once when the signal aborts, in the order in which people have asked.
 *
 * @param signal not aborted yet
 * @param callback never throws; a function of its own for each call
 * @returns ends the listening; the last one takes the listener off the signal
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks } = listening.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    const current = listening.get(signal);
    if (current?.callbacks !== callbacks) return;
    listening.delete(signal);
    current.stop();
  };
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  const tellAll = (): void => {
    listening.delete(signal);
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', tellAll, { once: true });
  const entry = { callbacks, stop: () => signal.removeEventListener('abort', tellAll) };
  listening.set(signal, entry);
  return entry;
}
