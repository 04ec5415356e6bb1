/** The figures of an attempt in a host, as far as the host has told them. */
import type { Progress } from '../core/task.ts';
import type { FromHost } from './protocol.ts';

/** One for each attempt. */
export class AttemptFigures {
  steps = 0;
  checkpoint: string | undefined;
  progress: Progress | undefined = undefined;
  stalled = false;

  constructor(checkpoint: string | undefined) {
    this.checkpoint = checkpoint;
  }

  /** Takes over what a step brought. */
  stepped(message: Extract<FromHost, { readonly type: 'stepped' }>): void {
    this.steps = message.steps;
    this.checkpoint = message.checkpoint ?? this.checkpoint;
    this.progress = message.progress ?? this.progress;
  }
}
