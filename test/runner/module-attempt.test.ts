import { expect, it } from 'vitest';
import type { AttemptEnd } from '../../src/core/ports.ts';
import { ModuleAttempt } from '../../src/runner/module-attempt.ts';
import { type Host, type HostExit, type HostListener, HostPool } from '../../src/runner/pool.ts';
import type { FromHost, ToHost } from '../../src/runner/protocol.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { fixture, orderOf, Witness } from './setup.ts';

/** A host that says and does what a test tells it. */
class ScriptedHost implements Host {
  readonly what = 'host';
  isGone = false;
  kills = 0;
  terminations = 0;
  left: string | undefined;
  readonly told: ToHost[] = [];
  readonly gone: Promise<void>;
  #listener: HostListener | undefined;
  #resolveGone: () => void = () => {};

  constructor() {
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }
  send(message: ToHost): void {
    this.told.push(message);
  }
  listen(listener: HostListener | undefined): void {
    this.#listener = listener;
  }
  leftover(): Promise<string | undefined> | undefined {
    return this.left === undefined ? undefined : Promise.resolve(this.left);
  }
  terminate(): void {
    this.terminations++;
  }
  kill(): void {
    this.kills++;
  }
  say(message: DistributiveOmit<FromHost, 'attemptId'>): void {
    const order = this.told.findLast((sent) => sent.type === 'run')?.order;
    this.#listener?.message({ ...message, attemptId: order?.attemptId ?? -1 });
  }
  die(exit: HostExit = { code: null, signal: 'SIGKILL' }): void {
    this.isGone = true;
    this.#listener?.gone(exit);
    this.#resolveGone();
  }
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

const succeeded: AttemptEnd = { outcome: 'succeeded', steps: 1, checkpoint: undefined };

interface Bench {
  readonly clock: VirtualClock;
  readonly hosts: ScriptedHost[];
  readonly witness: Witness;
  readonly start: (bounds?: Parameters<typeof orderOf>[1]) => {
    attempt: ModuleAttempt;
    host: ScriptedHost;
    ended: () => AttemptEnd | undefined;
  };
}

function setup(): Bench {
  const clock = createVirtualClock();
  const hosts: ScriptedHost[] = [];
  const create = (): Host => {
    const host = new ScriptedHost();
    hosts.push(host);
    return host;
  };
  const pool = new HostPool({ clock, concurrency: 1, maxIdleMs: 60_000, create });
  const witness = new Witness();
  return {
    clock,
    hosts,
    witness,
    start(bounds = {}) {
      const budgetEnd = clock.monotonic() + (bounds.budgetMs ?? 10_000);
      const attempt = new ModuleAttempt(orderOf(fixture('doneAtOnce'), bounds, { budgetEnd }), witness, pool, clock);
      let end: AttemptEnd | undefined;
      void attempt.ended.then((value) => (end = value));
      const host = hosts.at(-1);
      if (host === undefined) throw new Error('no host was started');
      return { attempt, host, ended: () => end };
    },
  };
}

it('never settles without proof: says blocked 2 s after the first force, and tries again each second', async () => {
  const { clock, witness, start } = setup();
  const { host, ended } = start({ budgetMs: 1_000, graceMs: 500 });
  host.say({ type: 'began' });
  await clock.advance(1_400);
  expect([witness.stops, host.kills]).toEqual([[{ kind: 'budget' }], 0]);
  await clock.advance(200);
  expect([host.kills, witness.blocks]).toEqual([1, []]);
  await clock.advance(60_000);
  expect(host.kills).toBeGreaterThan(55);
  expect(witness.blocks).toEqual(['host was stopped by force and there is no proof of its end yet']);
  expect(ended()).toBeUndefined();
  host.die();
  await clock.advance(1);
  expect(ended()).toMatchObject({ outcome: 'killed', stop: { kind: 'budget' } });
});

it('believes no message of an earlier attempt', async () => {
  const { clock, witness, start } = setup();
  const first = start();
  first.host.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(1);
  const second = start();
  // The attempt's own number is the last order's; the one before it is stale.
  second.host.told.push({ ...(first.host.told[0] as ToHost) });
  second.host.say({ type: 'stepped', steps: 9 });
  second.host.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(1);
  expect([witness.steps, second.ended()]).toEqual([[], undefined]);
});

it('keeps the slot until what a run left behind is gone, and the outcome stands', async () => {
  const { clock, witness, start } = setup();
  const { attempt, host, ended } = start({ graceMs: 500 });
  host.left = 'process 9 behind';
  host.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(400);
  attempt.stop({ kind: 'shutdown' });
  expect([host.terminations, host.kills, witness.stops, ended()]).toEqual([1, 0, [], undefined]);
  await clock.advance(200);
  expect([host.kills, ended()]).toEqual([1, undefined]);
  host.die();
  await clock.advance(1);
  expect(ended()).toMatchObject({ outcome: 'succeeded', stop: undefined });
});

it('cuts the grace of what a run left behind short when it is forced', async () => {
  const { clock, start } = setup();
  const { attempt, host } = start();
  host.left = 'process 9 behind';
  host.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(1);
  attempt.force();
  expect(host.kills).toBe(1);
});

it('judges the host by the reason that it told first', async () => {
  const { clock, witness, start } = setup();
  const { attempt, host, ended } = start();
  host.say({ type: 'began' });
  attempt.stop({ kind: 'cancel', by: 'somebody' });
  host.say({ type: 'stopping', reason: { kind: 'budget' } });
  host.say({ type: 'ended', end: { ...succeeded, outcome: 'timedOut', stop: { kind: 'budget' } }, spoiled: false });
  await clock.advance(1);
  expect(ended()).toMatchObject({ outcome: 'cancelled', stop: { kind: 'cancel', by: 'somebody' } });
  expect(witness.stops).toEqual([{ kind: 'cancel', by: 'somebody' }]);
});

it('takes another host when one dies before it has read its order, but not for ever', async () => {
  const { clock, hosts, start } = setup();
  const { ended } = start();
  for (let count = 1; count <= 3; count++) {
    expect(hosts).toHaveLength(count);
    hosts.at(-1)?.die({ code: 1, signal: null });
    await clock.advance(1);
  }
  expect(hosts).toHaveLength(3);
  expect(ended()).toMatchObject({ outcome: 'failed', steps: 0, error: { code: 'RUN_CRASHED' } });
});

it('calls a run that no host ever began by the reason of its stop, not killed', async () => {
  const { clock, start } = setup();
  const { attempt, host, ended } = start({ graceMs: 100 });
  attempt.stop({ kind: 'shutdown' });
  await clock.advance(200);
  expect(host.kills).toBe(1);
  host.die();
  await clock.advance(1);
  expect(ended()).toMatchObject({ outcome: 'cancelled', steps: 0 });
});

it('replaces a warm host that does not take up its order', async () => {
  const { clock, hosts, start } = setup();
  const first = start();
  first.host.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(1);
  const { host, ended } = start();
  expect(host).toBe(first.host);
  await clock.advance(2_100);
  expect(host.kills).toBe(1);
  host.die();
  await clock.advance(1);
  expect(hosts).toHaveLength(2);
  hosts.at(-1)?.say({ type: 'ended', end: succeeded, spoiled: false });
  await clock.advance(1);
  expect(ended()).toMatchObject({ outcome: 'succeeded' });
});

it('stops a step by silence only after the first beat, and only when beats stay away', async () => {
  const { clock, witness, start } = setup();
  const { host } = start({ budgetMs: 100_000, stepTimeoutMs: 800 });
  host.say({ type: 'began' });
  await clock.advance(5_000);
  expect(witness.stops).toEqual([]);
  for (let beat = 0; beat < 50; beat++) {
    host.say({ type: 'beat' });
    await clock.advance(100);
  }
  expect(witness.stops).toEqual([]);
  await clock.advance(850);
  expect(witness.stops).toEqual([{ kind: 'stepTimeout', limitMs: 800 }]);
});

it('lets a host claim no force of its own', async () => {
  const { clock, start } = setup();
  const { host, ended } = start();
  host.say({ type: 'ended', end: { ...succeeded, outcome: 'killed' }, spoiled: false });
  await clock.advance(1);
  expect(ended()?.outcome).toBe('failed');
});
