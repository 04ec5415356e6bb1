/** How far a live run is: one line, redrawn in place on a terminal; elsewhere a line of its own whenever something changed. */
import { stripVTControlCharacters } from 'node:util';
import type { Instant } from '../core/time.ts';
import type { RunAnswer } from './answer.ts';
import { type Cell, colourOf, plural, roughly } from './format.ts';

const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;
const ERASE_LINE = '\r\u001b[2K';

/** Where progress is drawn: standard error, so that standard output holds nothing but the outcome. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Draws; {@link ProgressLine.clear} it before anything else is written. */
export class ProgressLine {
  readonly #screen: Screen;
  readonly #isLive: boolean;
  readonly #paint: (cell: Cell) => string;
  #shown = '';

  /**
   * @param screen standard error
   * @param style `terminal`: `TERM` of the environment, where `dumb` has no way back to the start of a line; `paint`: for the screen
   */
  constructor(screen: Screen, style: { readonly terminal: string | undefined; readonly paint: (cell: Cell) => string }) {
    this.#screen = screen;
    this.#isLive = screen.isTTY === true && style.terminal !== 'dumb';
    this.#paint = style.paint;
  }

  /** Whether it is worth being told each second. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Shows where a run stands. @param run as the daemon tells of it @param now the wall clock */
  update(run: RunAnswer, now: Instant): void {
    if (!this.#isLive) {
      const text = [`run ${run.id}`, run.state, ...howFar(run)].join(', ');
      if (text !== this.#shown) this.#screen.write(`${text}\n`);
      this.#shown = text;
      return;
    }
    const text = [`${run.job} ${run.state}`, ...times(run, now), ...howFar(run)].join(' · ');
    const width = (this.#screen.columns === undefined || this.#screen.columns < 1 ? 80 : this.#screen.columns) - 1;
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    const head = `${run.job} ${run.state}`;
    const painted = `${run.job} ${this.#paint({ text: run.state, colour: colourOf(run.state) })}${cut.slice(head.length)}`;
    this.#screen.write(`${ERASE_LINE}${cut.startsWith(head) ? painted : cut}`);
    this.#shown = cut;
  }

  /** Leaves the line empty and the cursor at its start. */
  clear(): void {
    if (this.#isLive && this.#shown !== '') this.#screen.write(ERASE_LINE);
    this.#shown = '';
  }
}

function howFar({ steps, progress, waitingFor }: RunAnswer): string[] {
  const parts = steps > 0 ? [plural(steps, 'step')] : [];
  if (progress !== undefined) {
    const { completed, total, message } = progress;
    const share = total === undefined || total <= 0 ? '' : ` (${Math.floor((100 * completed) / total)} %)`;
    parts.push(`${completed}${total === undefined ? '' : ` of ${total}`}${share}`);
    if (message !== undefined) parts.push(onOneLine(message));
  }
  if (waitingFor !== undefined) parts.push(onOneLine(waitingFor));
  return parts;
}

/** Of a job's own words, nothing may move the cursor. */
function onOneLine(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROL, ' ');
}

function times({ startedAt, deadline }: RunAnswer, now: Instant): string[] {
  if (startedAt === undefined) return [];
  const left = deadline === undefined ? undefined : Date.parse(deadline) - now;
  return [
    seconds(now - Date.parse(startedAt)),
    ...(left === undefined ? [] : [left > 0 ? `${seconds(left)} of budget left` : 'budget spent']),
  ];
}

function seconds(durationMs: number): string {
  return roughly(Math.max(1, Math.round(durationMs / 1_000)) * 1_000);
}
