/** When a virtual clock may move on: everything that can go on without it has gone on. */

/** A turn of the real event loop after so many waits, so that whoever drives the process is not starved. */
const BREATHE_EACH = 256;
/** Turns of the event loop between the end of real work and the jump: what it leads to may begin more. */
const TURNS_AFTER_WORK = 2;

/**
 * Waits for promises alone. A callback of `process.nextTick` comes when the queue of microtasks is empty, however many of them
 * made further ones, so one wait is enough for chains of any depth; it costs a fraction of a turn of the event loop.
 *
 * @returns a function that resolves when no promise can go on
 */
export function waitForMicrotasks(): () => Promise<void> {
  let waits = 0;
  return () =>
    new Promise((resolve) => {
      if (++waits % BREATHE_EACH === 0) setImmediate(resolve);
      else process.nextTick(resolve);
    });
}

/**
 * Waits for promises, and for what the process does in earnest: files, names, requests, compression; and for real timers beyond
 * those that were set before this was called.
 *
 * @returns a function that resolves when none of it is under way
 */
export function waitForRealWork(): () => Promise<void> {
  let othersTimers = count(isTimer);
  return async () => {
    for (let quietTurns = 0; quietTurns < TURNS_AFTER_WORK;) {
      await new Promise((resolve) => setImmediate(resolve));
      const timers = count(isTimer);
      quietTurns = timers > othersTimers || count(isRequest) > 0 ? 0 : quietTurns + 1;
      othersTimers = Math.min(othersTimers, timers);
    }
  };
}

/** Sockets, pipes and servers stay open between one piece of work and the next; these do not count. */
const LASTING = /^(TTY|Pipe|TCP|TLS|UDP|Server|MessagePort|Worker|Immediate|Signal|Process|ChildProcess|FSEvent|StatWatcher)/;

function isTimer(name: string): boolean {
  return name === 'Timeout';
}

function isRequest(name: string): boolean {
  return !isTimer(name) && !LASTING.test(name);
}

function count(counts: (name: string) => boolean): number {
  return process.getActiveResourcesInfo().filter(counts).length;
}
