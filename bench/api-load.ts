/**
 * Load on the API of a daemon, in a process of its own: `node bench/api-load.ts URL JOB LISTENERS QUERY POLLS_A_SECOND SECONDS`.
 * Listeners ask for `/v1/events` with the query; polls ask for the newest run of the job. Writes `ready` when all listen, and one line
 * of JSON at the end.
 */
import { Agent, get } from 'node:http';

const [url = '', job = '', listeners = '2000', query = '', pollsASecond = '500', seconds = '60'] = process.argv.slice(2);

/** What the load saw. */
export interface LoadSeen {
  readonly listening: number;
  /** Events that all listeners got. */
  readonly events: number;
  readonly polls: number;
  /** Polls that were not answered with 200, and listeners that were cut off. */
  readonly faults: number;
  /** Milliseconds. */
  readonly pollMedianMs: number;
  readonly pollP99Ms: number;
}

let events = 0;
let faults = 0;
let listening = 0;
let polls = 0;
let isOver = false;
const took: number[] = [];

async function listen(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    get(`${url}/v1/events${query}`, { agent: false, headers: { accept: 'text/event-stream' } }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`a listener got ${response.statusCode}`));
      listening++;
      let isFirst = true;
      response.on('data', (chunk: Buffer) => {
        if (isFirst) resolve();
        isFirst = false;
        for (let at = chunk.indexOf('event: '); at >= 0; at = chunk.indexOf('event: ', at + 7)) events++;
      });
      response.once('close', () => {
        if (!isOver) faults++;
      });
      return undefined;
    }).once('error', reject);
  });
}

const agent = new Agent({ keepAlive: true, maxSockets: 50 });

let newest = '';

async function findNewest(): Promise<void> {
  const page = (await (await fetch(`${url}/v1/runs?job=${job}&limit=1`)).json()) as { runs: { id: string }[] };
  newest = page.runs[0]?.id ?? newest;
}

function poll(): void {
  const begun = performance.now();
  polls++;
  get(`${url}/v1/runs/${newest}`, { agent }, (response) => {
    response.resume().once('end', () => {
      if (response.statusCode === 200) took.push(performance.now() - begun);
      else faults++;
    });
  }).once('error', () => faults++);
}

for (let opened = 0; opened < Number(listeners); opened += 50) {
  await Promise.all(Array.from({ length: Math.min(50, Number(listeners) - opened) }, listen));
}
while (newest === '') {
  await findNewest();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log('ready');
const looking = setInterval(() => void findNewest(), 1_000);
const begun = performance.now();
const timer = setInterval(() => {
  const due = ((performance.now() - begun) / 1_000) * Number(pollsASecond);
  while (polls < due) poll();
}, 10);
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000));
clearInterval(timer);
clearInterval(looking);
isOver = true;
const sorted = took.toSorted((one, other) => one - other);
const seen: LoadSeen = {
  listening,
  events,
  polls,
  faults,
  pollMedianMs: sorted[sorted.length >> 1] ?? Number.NaN,
  pollP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
};
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
