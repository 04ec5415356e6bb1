/** What happens to a daemon: people who trigger, cancel, pause and reload, restarts and crashes, clocks, stores, held loops. */
import { TickwiseError } from '../core/errors.ts';
import type { Job, JobName } from '../core/job.ts';
import type { Store } from '../core/store.ts';
import type { SlotState } from '../core/slot.ts';
import type { DurationMs } from '../core/time.ts';
import { JobFacts } from './facts.ts';
import { pickDisturbance } from './disturbance.ts';
import { judgeLedger } from './ledger-judge.ts';
import { textOf } from './history.ts';
import { Operators } from './operators.ts';
import type { Random } from './random.ts';
import { SimulatedProcess, type Surroundings } from './simulated-process.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS, Weather } from './weather.ts';
import type { World } from './world.ts';

/** Disturbs one process after the other. */
export class Disturbances {
  readonly #around: Surroundings;
  readonly #world: World;
  readonly #random: Random;
  #jobs = new Map<JobName, Job>();
  #process: SimulatedProcess;
  readonly #weather: Weather;
  #isBusy = false; // A restart or a reload is under way; there is one at a time.
  #isFinishing = false;
  readonly #operators: Operators;

  constructor(around: Omit<Surroundings, 'steps'>, world: World, random: Random) {
    this.#weather = new Weather(around, random);
    this.#around = { ...around, steps: () => this.#weather.wallSteps };
    this.#world = world;
    this.#random = random;
    this.#process = new SimulatedProcess(this.#around);
    this.#operators = new Operators({
      around: this.#around,
      random,
      process: () => this.#process,
      isBusy: () => this.#isBusy,
      anyJob: () => this.#anyJob(),
    });
  }

  /** Starts the first process and the disturbances. */
  async begin(): Promise<void> {
    this.#jobs = this.#world.first(this.#around.clock.now());
    this.#introduce(this.#jobs);
    await this.#process.start([...this.#jobs.values()]);
    this.#scheduleNext();
  }

  look(): void {
    if (!this.#isBusy) this.#process.liveness.look();
  }

  /** No more disturbances: everything comes to its end, and the ledger must hold what was seen. */
  async finish(ledger: Store): Promise<void> {
    const { facts, store } = this.#around;
    this.#isFinishing = true;
    store.mood = 'ready';
    store.spare();
    while (this.#isBusy) await this.#sleep(SECOND_MS);
    this.#isBusy = true;
    await this.#process.recovered();
    await this.#process.stop(0, undefined);
    this.#process.buryRest();
    await judgeLedger(facts, ledger);
  }

  #scheduleNext(): void {
    const { clock } = this.#around;
    clock.setTimer(clock.monotonic() + this.#random.scale(10 * SECOND_MS, 2 * HOUR_MS), () => {
      this.#disturb();
      // Things come in clusters, too: races need two at the same instant, or one while the store is at work for another.
      for (let afterMs = 0; this.#random.chance(0.4); afterMs += this.#random.pick([0, 1, 500]) * this.#random.next()) {
        clock.setTimer(clock.monotonic() + afterMs, () => this.#disturb());
      }
      if (!this.#isFinishing) this.#scheduleNext();
    });
  }

  #disturb(): void {
    if (this.#isFinishing) return;
    const kind = pickDisturbance(this.#random);
    switch (kind) {
      case 'trigger':
        return this.#own(this.#operators.trigger());
      case 'cancel':
        return this.#operators.cancel();
      case 'pause':
        return this.#own(this.#operators.pause());
      case 'reload':
        return this.#own(this.#alone(() => this.#reload()));
      case 'restart':
        return this.#own(this.#alone(() => this.#restart()));
      case 'crash':
        return this.#crashSoon();
      case 'clock':
        return this.#weather.stepClock();
      case 'hold':
        return this.#weather.hold();
      case 'store':
        return this.#weather.upsetStore();
      default:
        return kind satisfies never;
    }
  }

  /** A store that fails is no fault of the scheduler; anything else is. */
  #own(work: Promise<void>): void {
    work.catch((thrown: unknown) => {
      if (this.#isOfTheStore(thrown)) return;
      this.#around.facts.violate('a bug', textOf(thrown), thrown);
    });
  }

  #isOfTheStore(thrown: unknown): boolean {
    return !this.#around.facts.isCalm && thrown instanceof TickwiseError && thrown.code === 'STORE_UNUSABLE';
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await work();
    } finally {
      this.#isBusy = false;
    }
  }

  async #reload(): Promise<void> {
    const { facts, clock } = this.#around;
    const gone = [...facts.jobs.keys()].find((known) => !this.#jobs.has(known));
    const jobs = this.#world.changed(this.#jobs, this.#anyJob(), gone, clock.now());
    this.#introduce(jobs);
    facts.history.note('reload', [...jobs.keys()].join(' '));
    facts.reloading = jobs;
    try {
      const process = this.#process;
      await process.whileAlive(process.scheduler.reload([...jobs.values()]));
      if (process.isOver) return await this.#relaunchAfterReload(jobs);
      for (const job of jobs.values()) facts.adopt(job, clock.now());
      for (const [known, of] of facts.jobs) if (!jobs.has(known)) facts.remove(of, clock.now());
      this.#jobs = jobs;
      facts.history.note('reloaded');
    } catch (error) {
      await this.#forgetUnarmed();
      throw error;
    } finally {
      facts.reloading = undefined;
    }
  }

  async #restart(): Promise<void> {
    const random = this.#random;
    const { clock, facts } = this.#around;
    if (random.chance(0.4)) {
      facts.history.note('crash');
      this.#process.end();
    } else {
      const hurry = new AbortController();
      const graceMs = random.pick([0, SECOND_MS, 25 * SECOND_MS, 10 * MINUTE_MS]);
      if (random.chance(0.3)) clock.setTimer(clock.monotonic() + random.scale(1, graceMs + 1), () => hurry.abort());
      const limit = clock.setTimer(clock.monotonic() + graceMs + 5 * MINUTE_MS, () =>
        facts.violate('no stall', 'the scheduler does not stop'),
      );
      await this.#process.whileAlive(this.#process.stop(graceMs, hurry.signal));
      limit.cancel();
    }
    await this.#relaunch();
  }

  /** The process dies at one of its next calls of the store, whatever is under way then; or a little later, if there are none. */
  #crashSoon(): void {
    const { clock, facts, store } = this.#around;
    const process = this.#process;
    if (process.isOver) return;
    const crash = (): void => {
      if (process.isOver || this.#isFinishing) return;
      facts.history.note('crash');
      process.end();
      // Whoever is at work with it sees that it is over.
      if (!this.#isBusy) this.#own(this.#alone(() => this.#relaunch()));
    };
    store.crashAt(this.#random.int(0, 6), this.#random.pick(['before', 'after']), crash);
    clock.setTimer(clock.monotonic() + this.#random.scale(1, MINUTE_MS), crash);
  }

  /** The configuration may have been changed for good by then, or not. */
  async #relaunchAfterReload(jobs: Map<JobName, Job>): Promise<void> {
    const { facts } = this.#around;
    facts.reloading = undefined;
    const slots = new Map((await this.#around.store.asStore().slots()).map((slot) => [slot.job, slot]));
    await this.#forgetUnarmed();
    for (const [name, of] of facts.jobs) {
      // A new job is armed at an instant that nobody saw.
      const slot = slots.get(name);
      if (slot !== undefined && !this.#jobs.has(name)) of.decidedUntil = Math.max(of.decidedUntil, slot.decidedUntil);
    }
    if ([...jobs.keys()].every((name) => slots.has(name)) && this.#random.chance(0.5)) this.#jobs = jobs;
    await this.#relaunch();
  }

  async #forgetUnarmed(): Promise<void> {
    const { facts } = this.#around;
    const armed = await this.#slots(() => true);
    for (const known of [...facts.jobs.keys()]) if (!armed.has(known)) facts.jobs.delete(known);
  }

  /** Starts the next process, and the one after it, until one is up. */
  async #relaunch(): Promise<void> {
    const { facts } = this.#around;
    await this.#sleep(this.#random.scale(1, this.#random.pick([10 * SECOND_MS, 4 * HOUR_MS])));
    const slots = await this.#slots((slot) => slot.paused);
    this.#operators.forget();
    for (const [name, of] of facts.jobs) {
      of.pausedForSure = slots.has(name);
      of.unpausedForSure = !of.pausedForSure;
    }
    for (;;) {
      this.#process = new SimulatedProcess(this.#around);
      try {
        await this.#process.whileAlive(this.#process.start([...this.#jobs.values()]));
        if (!this.#process.isOver) break;
        await this.#sleep(this.#random.scale(1, 10 * SECOND_MS));
      } catch (error) {
        if (!this.#isOfTheStore(error)) throw error;
        this.#process.end();
        await this.#sleep(5 * SECOND_MS);
      }
    }
    facts.disturb();
  }

  /** The judges hear of jobs that are new. */
  #introduce(jobs: ReadonlyMap<JobName, Job>): void {
    const { facts, clock } = this.#around;
    for (const [name, job] of jobs) {
      if (facts.jobs.has(name)) continue;
      const of = new JobFacts(job, clock.now());
      of.inForce = false;
      facts.jobs.set(name, of);
    }
  }

  #anyJob(): JobName | undefined {
    const names = [...this.#jobs.keys()];
    return names.length === 0 ? undefined : this.#random.pick(names);
  }

  async #slots(which: (slot: SlotState) => boolean): Promise<ReadonlySet<JobName>> {
    const slots = await this.#around.store.asStore().slots();
    return new Set(slots.filter(which).map((slot) => slot.job));
  }

  #sleep(ms: DurationMs): Promise<void> {
    const { clock } = this.#around;
    return new Promise((resolve) => void clock.setTimer(clock.monotonic() + ms, resolve));
  }
}
