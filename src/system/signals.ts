/** The signals that steer a daemon: the first SIGTERM or SIGINT drains, a second one hurries, SIGHUP reloads. */

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
  let isDraining = false;
  const end = (signal: NodeJS.Signals): void => {
    if (isDraining) handlers.hurry(signal);
    else handlers.drain(signal);
    isDraining = true;
  };
  const reload = (): void => {
    if (!isDraining) handlers.reload();
  };
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', reload);
  return {
    [Symbol.dispose]() {
      process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', reload);
    },
  };
}
