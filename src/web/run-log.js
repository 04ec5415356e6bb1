/** @import { LineJson } from '../http/view-run.ts' */
import { openStream, Refusal } from './api.js';
import { find, localText, make, stateText } from './text.js';

/** What is above them is left to `tickwise logs`. */
const LINES_SHOWN = 500;
const RETRY_MS = 2_000;

/** The last lines of a run, and those that it writes. */
export class RunLog {
  #section = find('log', HTMLElement);
  #name = find('log-name', HTMLElement);
  #lines = find('lines', HTMLElement);
  #end = find('log-end', HTMLElement);
  #reading = new AbortController();
  #leftOut = 0;
  /** @type {LineJson[]} */
  #coming = [];

  /** Follows the log of a run until the run has ended, or another log is opened. @param {string} runId */
  open(runId) {
    this.close();
    this.#reading = new AbortController();
    this.#name.textContent = `Log of run ${runId}`;
    this.#section.hidden = false;
    this.#name.focus();
    void this.#follow(runId, this.#reading.signal);
  }

  close() {
    this.#reading.abort();
    this.#section.hidden = true;
    this.#lines.replaceChildren();
    this.#end.textContent = '';
    this.#coming = [];
    this.#leftOut = 0;
  }

  /** @param {string} runId @param {AbortSignal} signal */
  async #follow(runId, signal) {
    /** @type {string | undefined} */
    let lastId;
    while (!signal.aborted) {
      try {
        for await (const { id, type, data } of await openStream(`/v1/runs/${runId}/log?follow=true`, signal, lastId)) {
          lastId = id ?? lastId;
          if (type === 'line') this.#take(JSON.parse(data), signal);
          if (type === 'end') return this.#finish(JSON.parse(data).state, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#end.textContent = error instanceof Refusal ? error.message : 'the log broke off; trying again';
        if (error instanceof Refusal && error.status < 500) return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Lines come by the thousand, and are drawn by the frame. @param {LineJson} line @param {AbortSignal} signal */
  #take(line, signal) {
    this.#coming.push(line);
    if (this.#coming.length === 1) requestAnimationFrame(() => signal.aborted || this.#draw());
  }

  #draw() {
    if (this.#coming.length === 0) return;
    const pre = this.#lines;
    const isAtEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
    const drawn = this.#coming.slice(-LINES_SHOWN).map(lineElement);
    this.#leftOut += this.#coming.length - drawn.length;
    this.#coming = [];
    pre.append(...drawn);
    while (pre.childElementCount > LINES_SHOWN) {
      pre.firstElementChild?.remove();
      this.#leftOut++;
    }
    this.#end.textContent =
      this.#leftOut === 0 ? '' : `the last ${LINES_SHOWN} lines; ${this.#leftOut} before them are not shown`;
    if (isAtEnd) pre.scrollTop = pre.scrollHeight;
  }

  /** @param {string | undefined} state @param {AbortSignal} signal */
  #finish(state, signal) {
    if (signal.aborted) return;
    this.#draw();
    const lines =
      this.#lines.childElementCount === 0
        ? 'it wrote nothing; '
        : this.#end.textContent === ''
          ? ''
          : `${this.#end.textContent}; `;
    this.#end.textContent = `${lines}the run has ended: ${stateText(state ?? 'unknown')}`;
  }
}

/** @param {LineJson} line */
function lineElement({ at, level, source, text, fields }) {
  const told = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
  return make(
    'span',
    { class: 'log-line', 'data-level': source === 'stderr' ? 'warn' : level },
    make('time', { datetime: at, title: `${source} ${level}` }, localText(at)),
    ` ${text}${told}\n`,
  );
}
