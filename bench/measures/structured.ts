/** What structured concurrency costs: a derivation in time and in memory, the hand-over of a lock, a gather of 1,000. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, startThreadTime, takeTurns } from '../sample.ts';

const DERIVATIONS = 100_000;
const DERIVATIONS_A_SAMPLE = 20_000;
const HANDOVERS = 1_000;
const HANDOVER_ROUNDS = 20;
const TASKS = 1_000;
const GATHERS = 20;
/** The processor time of a thread is told in steps of some milliseconds. */
const BARE_GATHERS = 500;

type Sides = readonly [ours: number[], baseline: number[]];

interface Times {
  readonly derive: Sides;
  readonly deriveWithTimeout: Sides;
  readonly handOver: Sides;
  readonly handOverByName: Sides;
  readonly gatherToBare: Sides;
  readonly gatherToQueue: Sides;
}

interface Kept {
  readonly ours: number;
  readonly baseline: number;
}

/** See the head of this file. */
export const structured: Measure = {
  name: 'structured',
  needsPeers: false,
  seconds: [5, 12],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const times = await probe<Times>('structured/times', { rounds: quick ? 5 : 15 });
    const kept = await probe<Kept>('structured/kept');
    const ns = 'ns';
    const gathered = `gather of ${TASKS.toLocaleString('en')} no-op tasks, each`;
    return [
      { figure: 'a context derived and left', unit: ns, against: 'controller, linked by hand', ...compare(...times.derive) },
      {
        figure: 'a context with a timeout, its signal looked at, and left',
        unit: ns,
        against: 'AbortSignal.any and a timer',
        ...compare(...times.deriveWithTimeout),
      },
      {
        figure: `heap kept by a derivation, ${DERIVATIONS.toLocaleString('en')} under a parent that lives on`,
        unit: 'bytes',
        against: 'AbortSignal.any, listened to',
        ...kept,
        target: { of: 'ours', atMost: 4 },
      },
      { figure: 'mutex handed over to the next in line', unit: ns, against: 'bare promise', ...compare(...times.handOver) },
      { figure: 'lock by name, handed over', unit: ns, against: 'mutex', ...compare(...times.handOverByName) },
      { figure: gathered, unit: ns, against: 'bare Promise.all', ...compare(...times.gatherToBare) },
      { figure: `${gathered}, 16 at a time`, unit: ns, against: 'bare p-queue', ...compare(...times.gatherToQueue) },
    ];
  },
};

/** What runs in processes of their own. */
export const probes: {
  times: (options: { rounds: number }) => Promise<Times>;
  kept: () => Promise<Kept>;
} = {
  async times({ rounds }) {
    const { createContext, Mutex } = await import('../../src/structured/kit.ts');
    const { default: PQueue } = await import('p-queue');
    using root = createContext();
    const works = Array.from({ length: TASKS }, () => async () => 1);
    const mutex = new Mutex();
    const turns = async (sides: readonly (() => number | Promise<number>)[]): Promise<Sides> => {
      const [ours = [], baseline = []] = await takeTurns(rounds, sides);
      return [ours, baseline];
    };
    const mutexHandOver = (): Promise<number> => handOvers(() => mutex.lock(root));
    const gatherAll = (): Promise<number> => each(GATHERS, TASKS, () => root.gather(works));
    return {
      derive: await turns([() => derive(() => root.withCancel()), () => derive(() => linkedByHand(root.signal))]),
      deriveWithTimeout: await turns([
        () => derive(() => looked(root.withTimeout(60_000))),
        () => derive(() => joinedWithTimer(root.signal)),
      ]),
      handOver: await turns([mutexHandOver, () => each(HANDOVER_ROUNDS, HANDOVERS, bareHandOvers)]),
      handOverByName: await turns([() => handOvers(() => root.lock('bench')), mutexHandOver]),
      gatherToBare: await turns([gatherAll, () => each(BARE_GATHERS, TASKS, () => Promise.all(works.map((work) => work())))]),
      gatherToQueue: await turns([
        () => each(GATHERS, TASKS, () => root.gather(works, { concurrency: 16 })),
        () => each(GATHERS, TASKS, () => new PQueue({ concurrency: 16 }).addAll(works)),
      ]),
    };
  },

  async kept() {
    const { createContext } = await import('../../src/structured/kit.ts');
    using root = createContext();
    const parent = new AbortController();
    const ours = await keptBy(() => {
      using context = root.withTimeout(60_000);
      context.signal.addEventListener('abort', () => undefined);
    });
    const baseline = await keptBy(() => {
      const signal = AbortSignal.any([parent.signal, new AbortController().signal]);
      signal.addEventListener('abort', () => undefined);
    });
    if (parent.signal.aborted || root.signal.aborted) throw new Error('a parent was cancelled');
    return { ours, baseline };
  },
};

function derive(make: () => Disposable): number {
  const spentMs = startThreadTime();
  for (let at = 0; at < DERIVATIONS_A_SAMPLE; at++) {
    using _derived = make();
  }
  return (spentMs() * 1e6) / DERIVATIONS_A_SAMPLE;
}

function looked<Derived extends Disposable & { readonly signal: AbortSignal }>(context: Derived): Derived {
  if (context.signal.aborted) throw new Error('cancelled before its time');
  return context;
}

/** What one writes without a library. */
function linkedByHand(parent: AbortSignal): Disposable {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  return { [Symbol.dispose]: () => parent.removeEventListener('abort', onAbort) };
}

function joinedWithTimer(parent: AbortSignal): Disposable {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), 60_000);
  const signal = AbortSignal.any([parent, controller.signal]);
  return { [Symbol.dispose]: () => clearTimeout(signal.aborted ? undefined : timer) };
}

/** Everybody stands in line before the first one goes. */
async function handOvers(lock: () => Promise<Disposable>): Promise<number> {
  const visit = async (): Promise<void> => {
    using _held = await lock();
  };
  return await each(HANDOVER_ROUNDS, HANDOVERS, () => Promise.all(Array.from({ length: HANDOVERS }, visit)));
}

/** The least there can be: a promise for each, resolved by the one before. */
async function bareHandOvers(): Promise<void> {
  const visits: Promise<void>[] = [];
  let before = Promise.resolve();
  for (let at = 0; at < HANDOVERS; at++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wait = before;
    visits.push(
      (async () => {
        await wait;
        resolve();
      })(),
    );
    before = promise;
  }
  await Promise.all(visits);
}

/** @returns nanoseconds of processor time for each of the parts */
async function each(rounds: number, parts: number, work: () => Promise<unknown>): Promise<number> {
  const spentMs = startThreadTime();
  for (let round = 0; round < rounds; round++) await work();
  return (spentMs() * 1e6) / (rounds * parts);
}

async function keptBy(work: () => void): Promise<number> {
  for (let at = 0; at < 1_000; at++) work();
  const before = await settledHeap();
  for (let at = 0; at < DERIVATIONS; at++) work();
  return ((await settledHeap()) - before) / DERIVATIONS;
}

async function settledHeap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}
