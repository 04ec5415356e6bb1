/**
 * The figures of all jobs and their text. prom-client keeps an object a series and formats each of them in each scrape: with 10,000 jobs
 * that took 950 ms, and held the event loop for all of it. Here a job is one row of numbers, and the text is made in parts, in 150 ms.
 */
import type { JobName } from '../core/job.ts';
import { FAMILIES, type Family, ROW_WIDTH } from './metrics-families.ts';

/** One job. `figures` are laid out as the table of families says; histogram buckets are not cumulative. */
export interface Row {
  readonly job: JobName;
  readonly figures: Float64Array;
  /** Places whose figure is not known yet, and by how many counts that are under way: they have no line. */
  hidden: Map<number, number> | undefined;
}

/** Rows between two looks at the clock. */
const ROWS_A_PART = 250;

/** See the head of this file. */
export class Rows {
  readonly #rows = new Map<JobName, Row>();

  get(job: JobName): Row | undefined {
    return this.#rows.get(job);
  }

  all(): Iterable<Row> {
    return this.#rows.values();
  }

  /** Rows of these jobs, and of no others; those that stay keep their figures. @returns the new ones, all zeros */
  keepOnly(jobs: Iterable<JobName>): readonly Row[] {
    const wanted = new Set(jobs);
    for (const job of this.#rows.keys()) if (!wanted.has(job)) this.#rows.delete(job);
    const added: Row[] = [];
    for (const job of wanted) {
      if (this.#rows.has(job)) continue;
      const row = { job, figures: new Float64Array(ROW_WIDTH), hidden: undefined };
      this.#rows.set(job, row);
      added.push(row);
    }
    return added;
  }

  /** @returns the text of all rows in parts that take about a millisecond each */
  *text(): Generator<string> {
    const rows = [...this.#rows.values()];
    for (const family of Object.values<Family>(FAMILIES)) {
      yield `# HELP ${family.name} ${family.help}\n# TYPE ${family.name} ${family.type}\n`;
      const write = family.type === 'histogram' ? histogramWriter(family) : seriesWriter(family);
      for (let at = 0; at < rows.length; at += ROWS_A_PART) {
        let part = '';
        for (const row of rows.slice(at, at + ROWS_A_PART)) part += write(row);
        yield flat(part);
      }
    }
  }
}

/** @param value counted into the bucket that holds it */
export function observe(row: Row, { at, bounds, width }: Family, value: number): void {
  const { figures } = row;
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
  add(figures, at + bucket, 1);
  add(figures, at + width - 1, value);
}

/** Adds to a figure. */
export function add(figures: Float64Array, place: number, by: number): void {
  figures[place] = (figures[place] as number) + by;
}

/**
 * A text that was put together piece by piece is a tree of its pieces until somebody reads it. Millions of these at once cost the garbage
 * collector pauses of 80 ms; so each part is made flat at once. All of it is ASCII.
 */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Job names need no escape: see `JOB_NAME` of core/job. */
function seriesWriter({ name, series, at }: Family): (row: Row) => string {
  const head = `${name}{job="`;
  const tails = series.map((labels) => `"${labels}} `);
  return ({ job, figures, hidden }) => {
    let text = '';
    for (let index = 0; index < tails.length; index++) {
      if (hidden?.has(at + index) === true) continue;
      text += `${head}${job}${tails[index]}${figures[at + index]}\n`;
    }
    return text;
  };
}

function histogramWriter({ name, bounds, at, width }: Family): (row: Row) => string {
  const tails = [...bounds, '+Inf'].map((bound) => `",le="${bound}"} `);
  return ({ job, figures }) => {
    const head = `${name}_bucket{job="${job}`;
    let text = '';
    let count = 0;
    for (let index = 0; index < tails.length; index++) {
      count += figures[at + index] as number;
      text += `${head}${tails[index]}${count}\n`;
    }
    return `${text}${name}_sum{job="${job}"} ${figures[at + width - 1]}\n${name}_count{job="${job}"} ${count}\n`;
  };
}
