/** @import { JobJson } from '../http/view-job.ts' */
/** @import { RunJson } from '../http/view-run.ts' */
import { agoText, durationText, localText, make, nowAt, say, sayState, stateText, TONES, untilText } from './text.js';

/** More rows help nobody, and 10,000 would hold the browser. */
export const ROWS_SHOWN = 200;

/** So that outcomes differ by more than their colour. @type {Readonly<Record<string, string>>} */
const MARKS = { unfinished: '…', timedOut: '!', killed: '×', failed: '×', cancelled: '–', lost: '?' };

/** The rows of the jobs that are shown. Each is made once and then told what has changed, so that focus and selection stay. */
export class JobTable {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** Names of jobs whose rows can be seen, without scrolling. @type {Set<string>} */
  inSight = new Set();
  #body;
  #open;
  #onSight;

  /**
   * @param {HTMLElement} body
   * @param {(name: string) => void} open called when a job is chosen
   * @param {(name: string) => void} onSight called when a row comes into view
   */
  constructor(body, open, onSight) {
    this.#body = body;
    this.#open = open;
    this.#onSight = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        const { job } = /** @type {HTMLElement} */ (target).dataset;
        if (job === undefined) continue;
        if (isIntersecting) onSight(job);
        if (isIntersecting) this.inSight.add(job);
        else this.inSight.delete(job);
      }
    });
  }

  /** @param {string} name */
  has(name) {
    return this.#rows.has(name);
  }

  /** @param {readonly JobJson[]} jobs at most {@link ROWS_SHOWN} of them, in their order */
  show(jobs) {
    const before = this.#rows;
    this.#rows = new Map(jobs.map((job) => [job.name, before.get(job.name) ?? this.#made(job.name)]));
    for (const [name, row] of before) if (!this.#rows.has(name)) this.#drop(row);
    let at = this.#body.firstElementChild;
    for (const { element } of this.#rows.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.#body.insertBefore(element, at);
    }
    for (const job of jobs) this.update(job);
  }

  /** @param {JobJson} job as it stands */
  update(job) {
    this.#rows.get(job.name)?.update(job);
  }

  /** @param {string} name @param {readonly string[]} outcomes newest last */
  setOutcomes(name, outcomes) {
    this.#rows.get(name)?.setOutcomes(outcomes);
  }

  /** @param {string | undefined} name the job whose detail is open */
  setOpen(name) {
    for (const [own, row] of this.#rows) row.setOpen(own === name);
  }

  /** @param {string} name */
  focus(name) {
    this.#rows.get(name)?.button.focus();
  }

  /** The time has moved. */
  tick() {
    for (const row of this.#rows.values()) row.tick();
  }

  /** @param {string} name */
  #made(name) {
    const row = new Row(name, () => this.#open(name));
    this.#onSight.observe(row.element);
    return row;
  }

  /** @param {Row} row */
  #drop({ element }) {
    this.inSight.delete(element.dataset['job'] ?? '');
    this.#onSight.unobserve(element);
    element.remove();
  }
}

class Row {
  button = make('button', { type: 'button', class: 'name', 'aria-expanded': 'false', 'aria-controls': 'detail' });
  #about = make('span', { class: 'quiet about' });
  #state = make('span', { class: 'pill' });
  #bar = make('progress', { max: '1' });
  #live = make('span', { class: 'quiet' });
  #next = make('span', { class: 'big' });
  #nextAt = make('time', { class: 'quiet' });
  #last = make('span', { class: 'word' });
  #lastAt = make('span', { class: 'quiet' });
  #squares = make('span', { class: 'squares', role: 'img' });
  /** @type {JobJson | undefined} */
  #job;
  /** @type {readonly string[] | undefined} */
  #outcomes;

  /** @param {string} name @param {() => void} open */
  constructor(name, open) {
    this.button.append(name);
    this.button.addEventListener('click', open);
    this.#bar.setAttribute('aria-label', `Progress of ${name}`);
    this.element = make('tr', { role: 'row' });
    this.element.dataset['job'] = name;
    this.element.append(
      make('th', { role: 'rowheader', scope: 'row' }, this.button, this.#about),
      cell('State', this.#state),
      cell('Live run', this.#bar, this.#live),
      cell('Next tick', this.#next, this.#nextAt),
      cell('Last run', this.#last, this.#lastAt),
      cell('Last 20', this.#squares),
    );
    // The whole row for the mouse; the button for everything else.
    this.element.addEventListener('click', ({ target }) => {
      if (target !== this.button && getSelection()?.isCollapsed !== false) open();
    });
  }

  /** @param {JobJson} job */
  update(job) {
    this.#job = job;
    say(this.#about, job.description ?? '');
    sayState(this.#state, job.state);
    const { lastRun } = job;
    say(this.#last, lastRun === undefined ? 'never ran' : stateText(lastRun.state));
    this.#last.dataset['tone'] = lastRun === undefined ? 'quiet' : (TONES[lastRun.state] ?? 'quiet');
    this.#last.title = lastRun?.error?.message ?? lastRun?.reason ?? '';
    this.tick();
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.button.setAttribute('aria-expanded', String(isOpen));
    this.element.classList.toggle('open', isOpen);
  }

  /** @param {readonly string[]} outcomes newest last */
  setOutcomes(outcomes) {
    if (outcomes === this.#outcomes) return;
    this.#outcomes = outcomes;
    const counts = Map.groupBy(outcomes, (outcome) => outcome);
    const told = [...counts].map(([outcome, all]) => `${all.length} ${stateText(outcome)}`).join(', ');
    this.#squares.setAttribute('aria-label', told === '' ? 'no run has ended yet' : `the last ${outcomes.length}: ${told}`);
    this.#squares.replaceChildren(
      ...outcomes.map((outcome) => {
        const tone = TONES[outcome] ?? 'quiet';
        return make('i', { 'data-tone': tone, title: stateText(outcome) }, MARKS[outcome] ?? '');
      }),
    );
  }

  tick() {
    const job = this.#job;
    if (job === undefined) return;
    this.#tickLive(job.liveRun);
    const { nextTick, lastRun } = job;
    const isWaited = nextTick !== undefined && !job.paused;
    say(this.#next, isWaited ? untilText(nextTick) : job.paused ? 'paused' : 'none');
    this.#next.classList.toggle('quiet', !isWaited);
    say(this.#nextAt, isWaited ? localText(nextTick) : '');
    if (isWaited) this.#nextAt.dateTime = nextTick;
    say(this.#lastAt, lastRun?.endedAt === undefined ? '' : agoText(lastRun.endedAt));
  }

  /** @param {RunJson | undefined} run */
  #tickLive(run) {
    this.#bar.hidden = run === undefined;
    if (run === undefined) return say(this.#live, '');
    const { progress, deadline, startedAt } = run;
    const leftMs = deadline === undefined ? undefined : Date.parse(deadline) - nowAt();
    const total = progress?.total;
    if (progress !== undefined && total !== undefined && total > 0) this.#bar.value = Math.min(1, progress.completed / total);
    else if (leftMs !== undefined && startedAt !== undefined) {
      const budgetMs = leftMs + nowAt() - Date.parse(startedAt);
      this.#bar.value = Math.min(1, Math.max(0, 1 - leftMs / budgetMs));
    } else this.#bar.removeAttribute('value');
    const isCounted = progress !== undefined && total !== undefined;
    const done = isCounted ? `${progress.completed} of ${total}` : `${run.steps} step${run.steps === 1 ? '' : 's'}`;
    const left = leftMs === undefined ? '' : leftMs > 0 ? ` · ${durationText(leftMs)} left` : ' · budget spent';
    this.#bar.title = isCounted ? 'of its work' : 'of its budget';
    say(this.#live, `${done}${isCounted ? ` · ${run.steps} steps` : ''}${left}`);
  }
}

/** @param {string} label shown where columns have no heads @param {...Node} children */
function cell(label, ...children) {
  return make('td', { role: 'cell', 'data-label': label }, ...children);
}
