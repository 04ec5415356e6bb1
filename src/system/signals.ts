/** The signals that steer a daemon: the first SIGTERM or SIGINT drains, a second one hurries, SIGHUP reloads. */

/**
 * Signals within this time are one. A Ctrl-C in a terminal reaches the daemon and the npm that started it, and npm passes its own
 * on; so does `timeout`. Nobody changes his mind as fast.
 */
const ONE_SIGNAL_MS = 200;

/** What the signals mean. Calls come one at a time, and never throw. */
export interface SignalHandlers {
  readonly drain: (signal: NodeJS.Signals) => void;
  readonly hurry: (signal: NodeJS.Signals) => void;
  readonly reload: () => void;
}

/**
 * Takes the signals over from the process's defaults.
 *
 * @param handlers what to do
 * @returns disposing it gives them back
 */
export function watchSignals(handlers: SignalHandlers): Disposable {
  let drainedAt: number | undefined;
  const end = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (drainedAt === undefined) {
      drainedAt = now;
      handlers.drain(signal);
    } else if (now - drainedAt >= ONE_SIGNAL_MS) {
      handlers.hurry(signal);
    }
  };
  const reload = (): void => {
    if (drainedAt === undefined) handlers.reload();
  };
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', reload);
  return {
    [Symbol.dispose]() {
      process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', reload);
    },
  };
}
