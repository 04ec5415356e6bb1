/** The events that listeners may hear, and what each means. */
import type { EventType } from '../engine/events.ts';

/** What only the daemon's own figures and log have need of. */
type InnerType = 'listenerFailed' | 'stepsFinished' | 'storeCommitted';

/** What each type of event means, in the order in which people look for them. */
export const EVENT_TYPES: Readonly<Record<Exclude<EventType, InnerType>, string>> = {
  tickDecided: 'a tick fell due and was decided: outcome, reason, run',
  ticksDecided: 'all ticks between two instants were decided as one',
  runQueued: 'a run waits for its slot',
  runStarted: 'a run has begun',
  runProgressed: 'a run has come further',
  runLine: 'a run has written a line',
  runRetrying: 'an attempt failed, and another will follow',
  runStopping: 'a run was asked to stop',
  runForced: 'its own end was not waited for any longer',
  runBlocked: "a run's end is not proved yet, so its slot stays taken",
  runStalled: 'steps come back not done, with nothing to show',
  runEnded: 'a run has ended: outcome, reason, error; its result is read with the run',
  jobPaused: 'somebody paused a job',
  jobResumed: 'somebody resumed a job',
  clockStepped: 'the wall clock was set, or the machine slept',
  loopStalled: "the daemon's event loop was held",
  storeFailed: 'the store does not work; nothing starts until it does',
  storeRecovered: 'the store works again',
  fenceRejected: 'a write under a stale fence was refused',
};
