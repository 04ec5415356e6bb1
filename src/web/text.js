/** How instants, durations and states read, and how elements are made: of text alone, never of markup. */

/** The clock of the daemon, which is what all instants are told by. */
let aheadMs = 0;

/** Learns how far the daemon's clock is ahead of this one. @param {string} now of the daemon, ISO 8601 */
export function setClock(now) {
  aheadMs = Date.parse(now) - Date.now();
}

/** @returns {number} now, by the daemon's clock, in epoch milliseconds */
export function nowAt() {
  return Date.now() + aheadMs;
}

/** @param {number} ms @returns {string} e.g. `850 ms`, `12 s`, `4 min 5 s`, `3 h 2 min`, `2 d 3 h` */
export function durationText(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  return wholeSeconds(ms);
}

/** @param {number} ms */
function wholeSeconds(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count !== 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** @param {string} at ISO 8601 @returns {string} e.g. `in 12 s`; `now` for one that is due */
export function untilText(at) {
  const ms = Date.parse(at) - nowAt();
  return ms <= 0 ? 'now' : `in ${wholeSeconds(ms + 999)}`;
}

/** @param {string} at ISO 8601 @returns {string} e.g. `12 s ago` */
export function agoText(at) {
  return `${wholeSeconds(nowAt() - Date.parse(at))} ago`;
}

/** @param {string} at ISO 8601 @returns {string} local time, with the date unless it is today's */
export function localText(at) {
  const date = new Date(at);
  const time = date.toLocaleTimeString();
  if (date.toDateString() === new Date(nowAt()).toDateString()) return time;
  return `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })}, ${time}`;
}

/** @param {string} state of a job or a run @returns {string} as people write it */
export function stateText(state) {
  return state === 'timedOut' ? 'timed out' : state;
}

/** What a state means for whoever looks: `good`, `busy`, `warn`, `bad`, `quiet`. @type {Readonly<Record<string, string>>} */
export const TONES = {
  running: 'busy',
  queued: 'busy',
  stopping: 'warn',
  blocked: 'bad',
  paused: 'warn',
  succeeded: 'good',
  unfinished: 'busy',
  timedOut: 'warn',
  killed: 'bad',
  failed: 'bad',
  lost: 'bad',
};

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {...(Node | string)} children texts stay texts
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Says something else, if it is something else: what stays as it is, is not read out again. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a state by its word and its colour. @param {HTMLElement} pill @param {string} state */
export function sayState(pill, state) {
  say(pill, stateText(state));
  pill.dataset['tone'] = TONES[state] ?? 'quiet';
}

/**
 * An element of the page.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}
