/** The dashboard: reads the jobs, listens to what happens, and shows both. Whatever comes from the daemon is put in as text. */
/** @import { JobJson } from '../http/view-job.ts' */
/** @import { RunJson } from '../http/view-run.ts' */
/** @import { ServerEvent } from './api.js' */
import { hasToken, keepToken, openStream, read, Refusal } from './api.js';
import { Detail } from './detail.js';
import { Health } from './health.js';
import { Jobs, OUTCOMES_SHOWN } from './jobs.js';
import { JobTable, ROWS_SHOWN } from './table.js';
import { find, localText, nowAt, say, setClock, stateText, TONES } from './text.js';

const TYPES = [
  ...['tickDecided', 'ticksDecided', 'jobPaused', 'jobResumed', 'storeFailed', 'storeRecovered'],
  ...['runQueued', 'runStarted', 'runProgressed', 'runStopping', 'runBlocked', 'runEnded'],
].join();
/** How often the page asks again for the jobs to which something happened. */
const REFRESH_MS = 1_000;
/** More of them than this are read in one go, as long as all jobs together are few. */
const SINGLE_READS = 20;
const FEW_JOBS = 1_000;
/** All are read again now and then, seldom if they are many. */
const ALL_READ_MS = 60_000;
const ALL_READ_MS_A_JOB = 60;
const HEALTH_MS = 5_000;
const RETRY_MS = 1_500;

const main = find('main', HTMLElement);
const news = find('news', HTMLElement);
const filter = find('filter', HTMLInputElement);
const door = find('door', HTMLFormElement);
const token = find('token', HTMLInputElement);

let connection = new AbortController();
const health = new Health(() => connection.abort());
const jobs = new Jobs();
const table = new JobTable(find('rows', HTMLElement), choose, (name) => void readOutcomes(name));
const detail = new Detail(
  () => choose(undefined),
  (error) => health.fault(error),
  keep,
);
/** Jobs that are to be read again. @type {Set<string>} */
const touched = new Set();
/** @type {string | undefined} */
let lastId;
let allReadAt = 0;
/** @type {(() => void) | undefined} */
let enter;

/** Listens for ever; what breaks is taken up where it broke. */
async function listen() {
  for (;;) {
    connection = new AbortController();
    try {
      await untilSeen();
      const events = await openStream(`/v1/events?type=${TYPES}`, connection.signal, lastId);
      // Without an event that was seen, nothing tells what happened since.
      if (allReadAt === 0 || lastId === undefined) await readFirst();
      health.answered();
      for await (const event of events) await take(event);
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) await askForToken();
      else health.fault(error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** A browser opens few connections to one address, so a tab that nobody sees keeps none. */
async function untilSeen() {
  while (document.hidden) await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}

/** @param {ServerEvent} event */
async function take({ id, type, data }) {
  if (type === 'gap') return readFirst();
  lastId = id ?? lastId;
  const told = JSON.parse(data);
  if (type === 'storeFailed' || type === 'storeRecovered') return health.read();
  const name = jobs.apply(type, told);
  // A job that is new since a reload.
  if (name === undefined) allReadAt = Math.min(allReadAt, 1);
  if (name === undefined) return undefined;
  if (type !== 'runProgressed') touched.add(name);
  redraw(name);
  announce(type, told);
  return undefined;
}

/** Reads all that is shown, after a time in which nothing was heard. */
async function readFirst() {
  allReadAt = 0;
  jobs.forgetOutcomes();
  await readAll();
  for (const name of table.inSight) void readOutcomes(name);
  await Promise.all([health.read(), detail.refresh()]);
}

async function readAll() {
  // Before it is asked: what happens while the answer comes makes a job be read once more.
  touched.clear();
  /** @type {[{ version: string, node: string, startedAt: string, now: string }, { jobs: JobJson[] }]} */
  const [about, all] = await Promise.all([read('/assets/about.json'), read('/v1/jobs')]);
  setClock(about.now);
  say(
    find('about', HTMLElement),
    `${about.version} on ${location.host} · node ${about.node}, up since ${localText(about.startedAt)}`,
  );
  jobs.replace(all.jobs);
  allReadAt = Date.now();
  main.hidden = false;
  door.hidden = true;
  find('forget', HTMLButtonElement).hidden = !hasToken();
  showRows();
}

function showRows() {
  const found = jobs.matching(filter.value);
  table.show(found.slice(0, ROWS_SHOWN));
  table.setOpen(detail.name);
  const rest = found.length > ROWS_SHOWN ? `, the first ${ROWS_SHOWN} shown` : '';
  say(find('count', HTMLElement), `${found.length.toLocaleString()} of ${jobs.size.toLocaleString()}${rest}`);
  const empty = find('empty', HTMLElement);
  empty.hidden = found.length > 0;
  say(empty, jobs.size === 0 ? 'The configuration names no jobs.' : 'No job matches the filter.');
  const sums = jobs.sums();
  const told = ['running', 'queued', 'stopping', 'blocked', 'paused'].flatMap((state) =>
    sums.has(state) ? [`${sums.get(state)} ${state}`] : [],
  );
  say(find('sums', HTMLElement), told.join(' · '));
}

/** @param {string} name */
function redraw(name) {
  const job = jobs.get(name);
  if (job === undefined) return;
  table.update(job);
  detail.update(job);
  const outcomes = jobs.outcomes(name);
  if (outcomes !== undefined) table.setOutcomes(name, outcomes);
}

/** @param {JobJson} job as read now */
function keep(job) {
  jobs.set(job);
  redraw(job.name);
}

/** Reads what is shown and was touched again: what events do not tell, such as the next tick. */
async function refresh() {
  if (health.isGone || main.hidden || document.hidden) return;
  // Those in sight go first; the others wait their turn.
  const shown = [...touched.intersection(table.inSight), ...touched.difference(table.inSight)].filter((name) => table.has(name));
  const isOld = Date.now() - allReadAt > Math.max(ALL_READ_MS, jobs.size * ALL_READ_MS_A_JOB);
  if (isOld || (shown.length > SINGLE_READS && jobs.size <= FEW_JOBS)) {
    if (touched.has(detail.name ?? '')) void detail.refresh();
    return readAll();
  }
  shown.splice(SINGLE_READS);
  for (const name of shown) touched.delete(name);
  await Promise.all(
    shown.map((name) =>
      name === detail.name
        ? detail.refresh()
        : read(`/v1/jobs/${name}`).then((answer) => keep(/** @type {{ job: JobJson }} */ (answer).job)),
    ),
  );
  showRows();
  return undefined;
}

const asking = new Set();

/** @param {string} name whose row has come into view */
async function readOutcomes(name) {
  if (!jobs.has(name) || jobs.outcomes(name) !== undefined || asking.has(name)) return;
  asking.add(name);
  try {
    // One more than is shown, since the newest may be live.
    /** @type {{ runs: RunJson[] }} */
    const { runs } = await read(`/v1/runs?job=${name}&limit=${OUTCOMES_SHOWN + 1}`);
    jobs.setOutcomes(name, runs);
    redraw(name);
  } catch (error) {
    health.fault(error);
  } finally {
    asking.delete(name);
  }
}

/** Says aloud what whoever listens wants to know: troubles, and the job that is open. @param {string} type @param {{ job?: string, outcome?: string }} told */
function announce(type, { job, outcome = '' }) {
  const state = type === 'runEnded' ? outcome : type === 'runBlocked' ? 'blocked' : type === 'runStarted' ? 'running' : undefined;
  if (state !== undefined && (job === detail.name || TONES[state] === 'bad')) say(news, `${job}: ${stateText(state)}`);
}

async function askForToken() {
  main.hidden = true;
  allReadAt = 0;
  door.hidden = false;
  health.locked();
  if (hasToken()) health.tell('the daemon does not know this token');
  keepToken(undefined);
  token.focus();
  await new Promise((resolve) => (enter = () => resolve(undefined)));
}

/** @param {string | undefined} name */
function choose(name) {
  location.hash = name === undefined || name === detail.name ? '' : `job=${name}`;
}

function followHash() {
  const name = /^#job=([a-z0-9._-]+)$/.exec(location.hash)?.[1];
  const before = detail.name;
  if (name === before) return;
  if (name !== undefined) void detail.open(name).catch((error) => health.fault(error));
  else detail.close();
  table.setOpen(name);
  if (name === undefined && before !== undefined) table.focus(before);
}

door.addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken(token.value.trim());
  token.value = '';
  enter?.();
});
find('forget', HTMLButtonElement).addEventListener('click', () => {
  keepToken(undefined);
  location.reload();
});
filter.addEventListener('input', showRows);
addEventListener('hashchange', followHash);
document.addEventListener('visibilitychange', () => document.hidden && connection.abort());
setInterval(() => {
  if (!main.hidden) say(find('clock', HTMLElement), new Date(nowAt()).toLocaleTimeString());
  table.tick();
  detail.tick();
}, 250);
setInterval(() => void refresh().catch((error) => health.fault(error)), REFRESH_MS);
setInterval(() => {
  if (!main.hidden && !health.isGone && !document.hidden) void health.read();
}, HEALTH_MS);

followHash();
void listen();
