/** @import { JobJson } from '../http/view-job.ts' */
/** @import { RunJson } from '../http/view-run.ts' */
import { NoAnswer, post, read } from './api.js';
import { RunLog } from './run-log.js';
import { agoText, durationText, find, localText, make, nowAt, say, sayState, stateText, TONES, untilText } from './text.js';

const PAGE = 10;

/** One job in full: why it stands as it does, its runs, their logs, and what can be asked of it. */
export class Detail {
  #panel = find('detail', HTMLElement);
  #name = find('detail-name', HTMLElement);
  #state = find('detail-state', HTMLElement);
  #about = find('detail-about', HTMLElement);
  #pause = find('pause', HTMLButtonElement);
  #cancel = find('cancel', HTMLButtonElement);
  #answer = find('answer', HTMLElement);
  #why = find('why', HTMLElement);
  #facts = find('facts', HTMLElement);
  #body = find('runs', HTMLElement);
  #older = find('older', HTMLButtonElement);
  #log = new RunLog();
  /** @type {JobJson | undefined} */
  #job;
  /** @type {readonly string[]} */
  #ticks = [];
  /** Newest first. @type {RunJson[]} */
  #runs = [];
  /** @type {string | undefined} */
  #cursor;
  #opened = new AbortController();
  #onFault;

  /** @param {() => void} close @param {(error: unknown) => void} onFault @param {(job: JobJson) => void} onJob told what was read */
  constructor(close, onFault, onJob) {
    this.#onFault = onFault;
    this.onJob = onJob;
    find('close', HTMLButtonElement).addEventListener('click', close);
    this.#panel.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
    find('trigger', HTMLButtonElement).addEventListener(
      'click',
      () => void this.#steer('runs', ({ runId, state }) => `run ${runId} is ${state}`),
    );
    this.#pause.addEventListener(
      'click',
      () =>
        void this.#steer(this.#job?.paused ? 'resume' : 'pause', () =>
          this.#job?.paused ? 'resumed' : 'paused; a live run goes on',
        ),
    );
    this.#cancel.addEventListener(
      'click',
      () =>
        void this.#steer('cancel', ({ runIds = [] }) =>
          runIds.length === 0 ? 'no run is live or queued' : `asked to stop: ${runIds.join(', ')}`,
        ),
    );
    this.#older.addEventListener('click', () => void this.#readOlder().catch(onFault));
  }

  /** @returns {string | undefined} the job that is shown */
  get name() {
    return this.#panel.hidden ? undefined : this.#name.textContent;
  }

  /** Shows a job. @param {string} name */
  async open(name) {
    this.close();
    this.#opened = new AbortController();
    this.#name.textContent = name;
    this.#panel.hidden = false;
    this.#name.focus();
    await this.refresh();
  }

  close() {
    this.#opened.abort();
    this.#panel.hidden = true;
    this.#log.close();
    this.#job = undefined;
    this.#runs = [];
    this.#cursor = undefined;
    for (const part of [this.#answer, this.#about, this.#why, this.#facts, this.#body]) part.replaceChildren();
    sayState(this.#state, '');
  }

  /** Reads the job and its newest runs again. */
  async refresh() {
    const { name } = this;
    if (name === undefined) return;
    const { signal } = this.#opened;
    try {
      /** @type {[{ job: JobJson, why: string[], nextTicks: string[] }, { runs: RunJson[], cursor?: string }]} */
      const [{ job, why, nextTicks }, page] = await Promise.all([
        read(`/v1/jobs/${name}`, signal),
        read(`/v1/runs?job=${name}&limit=${PAGE}`, signal),
      ]);
      this.#ticks = nextTicks;
      const known = new Set(page.runs.map(({ id }) => id));
      // Where nothing joins what is read to what was there, runs between them would be left out.
      const isJoined = this.#runs.some(({ id }) => known.has(id));
      const older = isJoined ? this.#runs.filter(({ id }) => !known.has(id)) : [];
      if (older.length === 0) this.#cursor = page.cursor;
      this.#runs = [...page.runs, ...older];
      this.#why.replaceChildren(...why.map((line) => make('li', {}, line)));
      this.onJob(job);
      this.update(job);
      this.#showRuns();
    } catch (error) {
      if (!signal.aborted) this.#onFault(error);
    }
  }

  /** @param {JobJson} job as it stands */
  update(job) {
    if (job.name !== this.name) return;
    this.#job = job;
    sayState(this.#state, job.state);
    say(this.#about, job.description ?? '');
    say(this.#pause, job.paused ? 'Resume' : 'Pause');
    this.#cancel.disabled = job.liveRun === undefined && job.queuedRuns.length === 0;
    this.tick();
  }

  /** The time has moved. */
  tick() {
    const job = this.#job;
    if (job === undefined) return;
    const [next] = this.#ticks.filter((tick) => Date.parse(tick) > nowAt());
    const facts = {
      Schedule: job.schedules.map(scheduleText).join(', ') || 'when triggered',
      'Next tick': next === undefined ? 'none' : job.paused ? 'paused' : `${untilText(next)}, at ${localText(next)}`,
      Budget: `${durationText(job.budgetMs)}, then ${durationText(job.graceMs)} of grace`,
      'On overlap': job.onOverlap,
      Task: `${job.task.kind}${job.task.kind === 'module' ? `, ${job.isolation}` : ''}`,
    };
    if (this.#facts.childElementCount === 0) {
      this.#facts.append(...Object.keys(facts).map((term) => make('div', {}, make('dt', {}, term), make('dd'))));
    }
    const values = this.#facts.querySelectorAll('dd');
    for (const [at, text] of Object.values(facts).entries()) if (values[at] !== undefined) say(values[at], text);
    for (const time of this.#body.querySelectorAll('time')) say(time, agoText(time.dateTime));
  }

  /**
   * Asks the daemon for a change, and says what it answered.
   *
   * @param {string} what last part of the path
   * @param {(answer: { runId?: string, runIds?: string[], state?: string }) => string} told
   */
  async #steer(what, told) {
    const { name } = this;
    if (name === undefined) return;
    const { signal } = this.#opened;
    try {
      // A request that the browser sends again on a new connection stands for the same run.
      const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('-');
      const answer = told(await post(`/v1/jobs/${name}/${what}`, what === 'runs' ? { 'idempotency-key': key } : {}));
      if (!signal.aborted) this.#reply(answer, 'quiet');
    } catch (error) {
      if (error instanceof NoAnswer) this.#onFault(error);
      else if (!signal.aborted) this.#reply(error instanceof Error ? error.message : String(error), 'bad');
    }
    await this.refresh();
  }

  /** @param {string} text @param {string} tone */
  #reply(text, tone) {
    this.#answer.textContent = text;
    this.#answer.dataset['tone'] = tone;
  }

  async #readOlder() {
    const { signal } = this.#opened;
    const cursor = encodeURIComponent(this.#cursor ?? '');
    /** @type {{ runs: RunJson[], cursor?: string }} */
    const page = await read(`/v1/runs?job=${this.name}&limit=${PAGE}&cursor=${cursor}`, signal);
    const known = new Set(this.#runs.map(({ id }) => id));
    this.#runs.push(...page.runs.filter(({ id }) => !known.has(id)));
    this.#cursor = page.cursor;
    this.#showRuns();
  }

  #showRuns() {
    this.#older.hidden = this.#cursor === undefined;
    const before = new Map([...this.#body.children].map((row) => [/** @type {HTMLElement} */ (row).dataset['run'], row]));
    this.#body.replaceChildren(...this.#runs.map((run) => keptOr(before.get(run.id), run, () => this.#log.open(run.id))));
    if (this.#runs.length === 0)
      this.#body.append(make('tr', {}, make('td', { colspan: '5', class: 'quiet' }, 'It has not run yet.')));
  }
}

/** @param {JobJson['schedules'][number]} schedule */
function scheduleText({ kind, text, timezone }) {
  return `${kind === 'cron' ? '' : `${kind} `}${text}${timezone === undefined ? '' : ` (${timezone})`}`;
}

/** A row that is as it was keeps its focus. @param {Element | undefined} row @param {RunJson} run @param {() => void} openLog */
function keptOr(row, run, openLog) {
  const made = runRow(run, openLog);
  return row?.isEqualNode(made) ? row : made;
}

/** @param {RunJson} run @param {() => void} openLog */
function runRow(run, openLog) {
  const { id, state, startedAt, queuedAt, endedAt, steps, attempts, cause, error, reason } = run;
  const tookMs =
    startedAt === undefined ? undefined : (endedAt === undefined ? nowAt() : Date.parse(endedAt)) - Date.parse(startedAt);
  const began = startedAt ?? queuedAt;
  const button = make('button', { type: 'button', class: 'plain', 'aria-label': `Log of the run of ${localText(began)}` }, 'Log');
  button.addEventListener('click', openLog);
  const why = error?.message ?? reason;
  const word = make('span', { class: 'word', 'data-tone': TONES[state] ?? 'quiet' }, stateText(state));
  const row = make(
    'tr',
    { role: 'row', 'data-run': id },
    make('td', { role: 'cell' }, localText(began), ' ', make('time', { class: 'quiet', datetime: began }, agoText(began))),
    make('td', { role: 'cell' }, word, why === undefined ? '' : make('span', { class: 'quiet reason' }, why)),
    make('td', { role: 'cell' }, tookMs === undefined ? '–' : durationText(tookMs)),
    make(
      'td',
      { role: 'cell' },
      `${steps}${attempts > 1 ? `, ${attempts} attempts` : ''}${cause === 'tick' ? '' : `, by ${cause}`}`,
    ),
    make('td', { role: 'cell' }, button),
  );
  return row;
}
