/** The step loop against a bare awaited loop that looks at the clock before each step. */
import type { Figure, Measure, Plan } from '../figure.ts';
import { probe } from '../probe.ts';
import { compare, median, quantile, startThreadTime, takeTurns } from '../sample.ts';

/** Below the 250 ms of empty steps after which a run counts as stalled and is slowed down. */
const RUN_MS = 150;

interface Answer {
  readonly async: Sides;
  readonly sync: Sides;
  readonly delays: number[];
}

type Sides = readonly [ours: number[], baseline: number[]];

/** See the head of this file. */
export const stepLoop: Measure = {
  name: 'step-loop',
  needsPeers: false,
  seconds: [7, 16],
  async figures({ quick }: Plan): Promise<readonly Figure[]> {
    const rounds = quick ? 9 : 21;
    const { async, sync, delays } = await probe<Answer>('step-loop/compare', { rounds });
    const collected = await probe<Sides>('step-loop/collected', { rounds });
    const against = 'bare awaited loop';
    const unit = 'ns/step';
    return [
      { figure: 'no-op step, async handler', unit, against, ...compare(...async), target: { of: 'ratio', atMost: 1.25 } },
      { figure: 'no-op step, sync handler', unit, against, ...compare(...sync), target: { of: 'ratio', atMost: 1.25 } },
      { figure: 'no-op step, async handler, full collection before each run', unit, against, ...compare(...collected) },
      {
        figure: 'longest event-loop delay meanwhile',
        unit: 'ms',
        ours: median(delays),
        baseline: RUN_MS,
        against: 'bare loop: never yields',
        target: { of: 'ours', atMost: 10 },
        note: `median of ${delays.length} runs of ${RUN_MS} ms; 9 in 10 below ${quantile(delays, 0.9).toFixed(1)} ms, worst ${quantile(delays, 1).toFixed(1)} ms`,
        samples: { ours: delays },
      },
    ];
  },
};

/** What runs in processes of their own. */
export const probes: {
  compare: (options: { rounds: number }) => Promise<Answer>;
  collected: (options: { rounds: number }) => Promise<Sides>;
} = {
  async compare({ rounds }) {
    const ours = await loopOfOurs();
    const delays: number[] = [];
    const slow = async (): Promise<boolean> => false;
    const fast = (): boolean => false;
    const [a = [], b = []] = await takeTurns(rounds, [() => ours(slow, delays), () => bareLoop(slow)]);
    const [c = [], d = []] = await takeTurns(rounds, [() => ours(fast, delays), () => bareLoop(fast)]);
    return { async: [a, b], sync: [c, d], delays };
  },

  async collected({ rounds }) {
    const ours = await loopOfOurs();
    const step = async (): Promise<boolean> => false;
    const [a = [], b = []] = await takeTurns(rounds, [() => ours(step, []), () => bareLoop(step)], true);
    return [a, b];
  },
};

type Step = () => boolean | Promise<boolean>;

async function bareLoop(step: Step): Promise<number> {
  const spentMs = startThreadTime();
  const endAt = performance.now() + RUN_MS;
  let steps = 0;
  while (performance.now() < endAt) {
    steps++;
    if (await step()) break;
  }
  return (spentMs() * 1e6) / steps;
}

async function loopOfOurs(): Promise<(step: Step, delays: number[]) => Promise<number>> {
  const { RunLoop } = await import('../../src/engine/run-loop.ts');
  const { SharedTurn } = await import('../../src/engine/turn.ts');
  const { createSystemClock } = await import('../../src/system/clock.ts');
  const { JOB_DEFAULTS } = await import('../../src/core/job.ts');
  const clock = createSystemClock();
  const turn = new SharedTurn(clock);
  const silent = { stepped() {}, stopping() {}, blocked() {}, stalled() {}, line() {} };
  return async (step, delays) => {
    const delay = longestDelay();
    const spentMs = startThreadTime();
    const order = {
      job: { ...JOB_DEFAULTS, name: 'noop', task: { kind: 'function', target: undefined } as const },
      runId: 'noop',
      tick: clock.now(),
      fence: 1,
      attempt: 1,
      input: undefined,
      checkpoint: undefined,
      deadline: clock.now() + RUN_MS,
      budgetEnd: clock.monotonic() + RUN_MS,
      graceMs: 1_000,
      stepTimeoutMs: undefined,
    };
    const { steps, outcome } = await new RunLoop(() => ({ handleTimeoutTask: step }), order, silent, { clock, turn }).ended;
    const tookMs = spentMs();
    delays.push(delay.stop());
    if (outcome !== 'unfinished') throw new Error(`the loop ended ${outcome}`);
    return (tookMs * 1e6) / steps;
  };
}

/** The longest time by which a timer of 1 ms was late, by the processor time of this thread, which never waits meanwhile. */
function longestDelay(): { stop(): number } {
  const spentMs = startThreadTime();
  let longest = 0;
  let armedAt = 0;
  const note = (): void => {
    const now = spentMs();
    longest = Math.max(longest, now - armedAt - 1);
    armedAt = now;
  };
  const look = (): void => {
    note();
    timer = setTimeout(look, 1);
  };
  let timer = setTimeout(look, 1);
  return {
    stop() {
      clearTimeout(timer);
      note();
      return longest;
    },
  };
}
