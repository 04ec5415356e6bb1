/** Many who ask at once, through every door: submits, cancels, pauses, reloads, the command line, beside the ticks. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DaemonProcess, MAIN, type Site } from './daemon-process.ts';

/** What was asked, and what came back. */
export interface Storm {
  /** By `action status`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Ids that were answered to a submission, with the key it came with. */
  readonly submitted: readonly { readonly job: string; readonly runId: string; readonly key: string | undefined }[];
  /** Requests that got no answer, and answers of the server's own fault. */
  readonly faults: readonly string[];
  /** Of `GET /metrics` at the end. */
  readonly violations: number;
}

/** What a storm is. */
export interface StormOptions {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly jobs: readonly string[];
  readonly clients: number;
  readonly forMs: number;
  readonly seed: number;
  /** Writes the configuration anew before each reload. */
  readonly configure: (reload: number) => void;
}

/**
 * Lets clients do as they like for a while, and sets the jobs free of pauses at the end.
 *
 * @returns what came of it, when all have their answers
 */
export async function storm(site: Site, daemon: DaemonProcess, options: StormOptions): Promise<Storm> {
  const { url, jobs, clients, forMs } = options;
  const until = performance.now() + forMs;
  const answers: Record<string, number> = {};
  const submitted: { job: string; runId: string; key: string | undefined }[] = [];
  const faults: string[] = [];
  const isOver = (): boolean => performance.now() >= until;

  async function ask(action: string, method: string, path: string, headers: Record<string, string> = {}): Promise<unknown> {
    try {
      const response = await fetch(url + path, { method, headers });
      const text = await response.text();
      const name = `${action} ${response.status}`;
      answers[name] = (answers[name] ?? 0) + 1;
      if (response.status >= 500 && response.status !== 503) faults.push(`${name}: ${text}`);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } catch (error) {
      faults.push(`${action}: ${String(error)}`);
      return undefined;
    }
  }

  async function client(number: number): Promise<void> {
    const random = randomOf(options.seed + number);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
    let last = '';
    while (!isOver()) {
      const job = pick(jobs);
      const die = random();
      if (die < 0.6) {
        // Few keys, so that several clients come with the same one at once.
        const key = random() < 0.5 ? `key-${Math.floor(random() * 200)}` : undefined;
        const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
        const answer = await ask('submit', 'POST', `/v1/jobs/${job}/runs`, headers);
        const runId = (answer as { runId?: string } | undefined)?.runId;
        if (runId !== undefined) submitted.push({ job, runId: (last = runId), key });
      } else if (die < 0.7) await ask('cancel job', 'POST', `/v1/jobs/${job}/cancel`);
      else if (die < 0.8) await ask('cancel run', 'POST', `/v1/runs/${last === '' ? 'none' : last}/cancel`);
      else if (die < 0.85) await ask('pause', 'POST', `/v1/jobs/${job}/pause`);
      else if (die < 0.92) await ask('resume', 'POST', `/v1/jobs/${job}/resume`);
      else if (die < 0.97) await ask('poll', 'GET', `/v1/runs/${last === '' ? 'none' : last}?wait=200ms`);
      else await ask('look', 'GET', pick([`/v1/jobs/${job}`, '/v1/jobs', `/v1/runs?job=${job}`, '/healthz']));
      // A person's pace times ten; as fast as it goes would only measure the rate limit.
      await delay(20 + random() * 200);
    }
  }

  async function reloads(): Promise<void> {
    for (let reload = 1; !isOver(); reload++) {
      await delay(Math.min(1_000, forMs / 4));
      options.configure(reload);
      daemon.signal('SIGHUP');
    }
  }

  async function commands(): Promise<void> {
    const random = randomOf(options.seed);
    while (!isOver()) {
      const job = jobs[Math.floor(random() * jobs.length)] ?? '';
      const action = ['trigger', 'cancel', 'pause', 'resume', 'why'][Math.floor(random() * 5)] ?? 'why';
      const args = [MAIN, action, job, '--config', site.config];
      const { code, stderr } = await promisify(execFile)(process.execPath, args).then(
        () => ({ code: 0, stderr: '' }),
        (error: { code?: number; stderr?: string }) => ({ code: error.code ?? -1, stderr: error.stderr ?? '' }),
      );
      const name = `command ${action} ${code}`;
      answers[name] = (answers[name] ?? 0) + 1;
      if (code !== 0 && code !== 4) faults.push(`${name}: ${stderr}`);
    }
  }

  const numbers = Array.from({ length: clients }, (_, number) => number);
  await Promise.all([...numbers.map(client), reloads(), commands()]);
  for (const job of jobs) await ask('resume', 'POST', `/v1/jobs/${job}/resume`);
  return { answers, submitted, faults, violations: await violationsOf(url) };
}

async function violationsOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(/^tickwise_overlap_violations_total(?:\{[^}]*\})? (\S+)$/gm)].map(([, value]) =>
    Number(value),
  );
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value);
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
