/** What a notifier is made of. */
import type { Job } from '../core/job.ts';
import type { Message, Outbox } from '../core/message.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { Events } from '../engine/events.ts';
import type { runCommand } from './notify-command.ts';
import type { Send } from './notify-send.ts';

/** What a notifier needs. */
export interface NotifierParts {
  readonly outbox: Outbox;
  /** The same array as long as the definitions are the same. */
  readonly jobs: () => readonly Job[];
  readonly clock: Clock;
  readonly log: TaskLog;
  /** The daemon's own environment; commands see `PATH`, `HOME`, `LANG`, `TZ` of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the scheduler: when something ended, there may be something to tell. Absent: whoever knows calls `wake`. */
  readonly events?: Events | undefined;
  /** Takes the messages that are no messages: the daemon's own notes in the outbox. */
  readonly notes?: { readonly target: string; take(message: Message): Promise<void> } | undefined;
  /** Absent: over HTTP. */
  readonly send?: Send | undefined;
  readonly runCommand?: typeof runCommand | undefined;
  /** In [0, 1); for the jitter of delays. */
  readonly random?: (() => number) | undefined;
}
