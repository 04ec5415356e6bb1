/**
 * The simulation: the real scheduler, gate, store in memory and calendar under a virtual clock, with random jobs, and a world
 * that does everything to them that happens to a daemon in a year. Judges look at every event; the first broken promise
 * ends it. All chance comes from the seed, so a seed replays its course to the last event.
 */
import { TickwiseError } from '../core/errors.ts';
import type { NodeIdentity } from '../core/ledger.ts';
import type { Calendar, RunOrder } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { createMemoryStore } from '../store/memory.ts';
import { Disturbances } from './disturbances.ts';
import { Facts } from './facts.ts';
import { textOf, ViolationError } from './history.ts';
import { Orphans } from './orphans.ts';
import { createRandom } from './random.ts';
import { RunJudge } from './run-judge.ts';
import type { AttemptScript } from './script.ts';
import { createScriptedRunner } from './scripted-runner.ts';
import { TurnJudge } from './turn-judge.ts';
import { UnrulyStore } from './unruly-store.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { World } from './world.ts';

/** What to simulate. */
export interface SimulationOptions {
  readonly seed: number;
  readonly hours: number;
  /** The real one, injected. */
  readonly calendar: Calendar;
}

/** What came of it. */
export interface SimulationResult {
  readonly seed: number;
  /** The first broken promise, if any. */
  readonly violation: ViolationError | undefined;
  /** The last events before it. */
  readonly history: readonly string[];
  readonly runs: number;
  readonly ticks: number;
}

const HOUR_MS: DurationMs = 3_600_000;
/** The judge of stalls looks this often. */
const LOOK_EACH_MS: DurationMs = 15_000;
const NODE: NodeIdentity = { id: 'simulated', host: 'simulated', bootId: 'simulated', pid: 1, pidStart: 1, startedAt: 0 };

/**
 * Simulates one seed.
 *
 * @param options seed, length, calendar
 * @returns the violation, or none; it rejects only when the simulation itself is at fault
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, hours, calendar } = options;
  const chance = (stream: number): ReturnType<typeof createRandom> => createRandom(seed * 8 + stream);
  const random = chance(0);
  const clock = createVirtualClock();
  const facts = new Facts(clock, random.int(1, 5));
  const turns = new TurnJudge(facts);
  const inner = createMemoryStore({ node: NODE });
  const store = new UnrulyStore(inner, clock, chance(1), turns);
  const world = new World(chance(2));
  const scripts = new WeakMap<RunOrder, AttemptScript>();
  const scriptOf = (order: RunOrder): AttemptScript => {
    const script = scripts.get(order) ?? world.script(order);
    scripts.set(order, script);
    return script;
  };
  const judge = new RunJudge(facts, scriptOf);
  const runner = createScriptedRunner(clock, scriptOf, judge);
  const orphans = new Orphans(judge, chance(4));
  const disturbances = new Disturbances(
    { clock, calendar, store, facts, judge, runner, orphans, random: chance(3) },
    world,
    random,
  );
  const onUnhandled = (reason: unknown): void => facts.violate('a bug', textOf(reason), reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    await disturbances.begin();
    const look = (): void => {
      disturbances.look();
      clock.setTimer(clock.monotonic() + LOOK_EACH_MS, look);
    };
    look();
    const until = hours * HOUR_MS;
    while (facts.violation === undefined && clock.monotonic() < until) await clock.step();
    const end = disturbances.finish(inner);
    let isOver = false;
    const note = (): void => void (isOver = true);
    end.then(note, note);
    while (facts.violation === undefined && !isOver) await clock.step();
    if (facts.violation === undefined) await end;
    // What rejected unhandled is told in the next turn of the real loop.
    await new Promise((resolve) => setImmediate(resolve));
  } catch (thrown) {
    if (thrown instanceof TickwiseError || !(thrown instanceof ViolationError)) facts.violate('a bug', textOf(thrown), thrown);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  return {
    seed,
    violation: facts.violation,
    history: facts.violation === undefined ? [] : facts.history.lines(),
    ...countsOf(facts),
  };
}

function countsOf(facts: Facts): { runs: number; ticks: number } {
  let runs = 0;
  let ticks = 0;
  for (const of of facts.jobs.values()) {
    runs += of.ended.size;
    ticks += of.ticks.ran + of.ticks.skipped + of.ticks.missed + of.ticks.folded;
  }
  return { runs, ticks };
}
