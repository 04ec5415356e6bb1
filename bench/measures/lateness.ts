/** How long after its tick a run takes its first step: jobs that are due each second, their runs durable. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { quantile } from '../sample.ts';

const MANY = 1_000;
/** What is late in the first seconds is the compiler. */
const WARM_MS = 3_000;

/** Milliseconds, one for each run. */
type Answer = readonly number[];

/** See the head of this file. */
export const lateness: Measure = {
  name: 'lateness',
  needsPeers: false,
  seconds: [28, 96],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const rounds = quick ? 1 : 2;
    const options = { seconds: quick ? 3 : 8 };
    const late = { one: [] as number[], many: [] as number[], timer: [] as number[], croner: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      late.timer.push(...(await probe<Answer>('lateness/timer', options)));
      late.many.push(...(await probe<Answer>('lateness/subject', { ...options, jobs: MANY })));
      late.croner.push(...(await probe<Answer>('lateness/croner', options)));
      late.one.push(...(await probe<Answer>('lateness/subject', { ...options, jobs: 1 })));
    }
    const note = `${rounds * options.seconds} seconds of each side, one after the other, in ${rounds} rounds`;
    return ([0.5, 0.99] as const).flatMap((share) => {
      const of = `lateness p${share * 100}`;
      const [one, many, timer, croner] = [late.one, late.many, late.timer, late.croner].map((samples) =>
        quantile(samples, share),
      );
      const row = (what: string, ours = Number.NaN, against: string, baseline = Number.NaN): Figure => ({
        figure: `${of}, ${what}`,
        unit: 'ms',
        ours,
        baseline,
        against,
        target: { of: 'ratio', atMost: against === 'croner' ? 1 : 2 },
        ...(share === 0.5 && what.startsWith('1 ') ? { note } : {}),
      });
      return [
        row('1 durable job each second', one, 'one bare timer', timer),
        row('1,000 durable jobs each second', many, 'one bare timer', timer),
        row('1,000 durable jobs each second', many, 'croner', croner),
      ];
    });
  },
};

interface Options {
  readonly seconds: number;
}

/** What runs in processes of their own. */
export const probes: {
  subject: (options: Options & { jobs: number }) => Promise<Answer>;
  timer: (options: Options) => Promise<Answer>;
  croner: (options: Options) => Promise<Answer>;
} = {
  async subject({ seconds, jobs: count }) {
    const { startSubject } = await import('../subject.ts');
    const record = recorder(seconds);
    const task = {
      handleTimeoutTask(context: { tick: number }): boolean {
        record.late(context.tick);
        return true;
      },
    };
    const jobs = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`job-${index}`, { schedule: '* * * * * *', task }]),
    );
    await using _subject = await startSubject('sqlite', jobs);
    return await record.all;
  },

  async timer({ seconds }) {
    const record = recorder(seconds);
    let tick = Math.ceil(now() / 1_000) * 1_000;
    const fire = (): void => {
      if (now() >= tick) {
        for (let job = 0; job < MANY; job++) record.late(tick);
        tick += 1_000;
      }
      setTimeout(fire, Math.max(1, Math.ceil(tick - now())));
    };
    fire();
    return await record.all;
  },

  async croner({ seconds }) {
    const { Cron } = await import('croner');
    const record = recorder(seconds);
    // It tells nobody for which instant it fires, and may be a little early.
    for (let job = 0; job < MANY; job++) new Cron('* * * * * *', () => record.late(Math.floor((now() + 20) / 1_000) * 1_000));
    return await record.all;
  },
};

function now(): number {
  return performance.timeOrigin + performance.now();
}

function recorder(seconds: number): { late(tick: number): void; all: Promise<Answer> } {
  const from = now() + WARM_MS;
  const until = from + seconds * 1_000;
  const samples: number[] = [];
  return {
    late(tick) {
      if (tick >= from && tick < until) samples.push(now() - tick);
    },
    all: new Promise((resolve) => setTimeout(() => resolve(samples), until - now() + 900)),
  };
}
