import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, decideTrigger, type Decision } from '../../src/core/gate.ts';
import { MISSED_POLICIES, OVERLAP_POLICIES } from '../../src/core/job.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { contextWith, jobWith, NOW, question, type Question, slotWith } from './arbitrary.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 1_000 });

const LIVE = { runId: 'live-run' };
const [T1, T2, T3] = [NOW - 300, NOW - 200, NOW - 100] as const;

function decided({ job, dueTicks, slot, context }: Question): Decision[] {
  return decide(job, dueTicks, slot, context);
}

function ofKind<Kind extends Decision['kind']>(decisions: readonly Decision[], kind: Kind): Extract<Decision, { kind: Kind }>[] {
  return decisions.filter((made): made is Extract<Decision, { kind: Kind }> => made.kind === kind);
}

/** Decisions in short: `start 1`, `skip 2 overlap`, with ticks counted from 1. */
function brief(decisions: readonly Decision[]): string[] {
  const names = new Map<string, string>([T1, T2, T3].map((tick, index) => [runIdOf('job', tick), `run${index + 1}`]));
  const nameOf = (runId: string): string => names.get(runId) ?? runId;
  return decisions.map((made) => {
    if (made.kind === 'stop') return `stop ${nameOf(made.runId)}`;
    if (made.kind === 'range')
      return `range ${made.range.to - made.range.from} ms ${made.outcome} ${made.reason ?? nameOf(made.into ?? '')}`;
    const which = [T1, T2, T3].indexOf(made.tick) + 1;
    if (made.kind === 'fold') return `fold ${which} ${nameOf(made.into)}`;
    return made.kind === 'skip' || made.kind === 'miss'
      ? `${made.kind} ${which} ${made.reason}`
      : `${made.kind} ${which} ${made.cause}`;
  });
}

describe('the gate, whatever it is asked,', () => {
  test('starts at most one run, and none while one is live, queued ahead, or holds a resource', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const starts = ofKind(decided(asked), 'start').length;
        const closed = asked.slot.live !== undefined || asked.slot.queued.length > 0 || asked.context.exclusiveHeld;
        expect(starts).toBeLessThanOrEqual(closed ? 0 : 1);
      }),
    );
  });

  test('decides each undecided tick once, and passes over those that are decided', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const ticks = decided(asked).flatMap((made) => ('tick' in made ? [made.tick] : []));
        const undecided = asked.dueTicks.filter((tick) => tick > asked.slot.decidedUntil);
        expect(ticks.toSorted((one, other) => one - other)).toEqual(undecided);
      }),
    );
  });

  test('starts a run if the slot is free and a tick is on time', () => {
    fc.assert(
      fc.property(question, ({ job, dueTicks, slot, context }) => {
        const free = { ...slot, live: undefined, queued: [] };
        const onTime = dueTicks.some((tick) => tick > slot.decidedUntil && tick > context.liveSince);
        fc.pre(onTime && !context.exclusiveHeld);
        expect(ofKind(decide(job, dueTicks, free, context), 'start')).toHaveLength(1);
      }),
    );
  });

  test('keeps at most one run in the queue beside catch-ups, and those within missedLimit', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const queued = ofKind(decided(asked), 'queue');
        const others = [...asked.slot.queued, ...queued].filter((run) => run.cause !== 'catchup');
        const before = asked.slot.queued.filter((run) => run.cause === 'catchup').length;
        const added = queued.filter((run) => run.cause === 'catchup').length;
        expect(others.length).toBeLessThanOrEqual(1);
        expect(added).toBeLessThanOrEqual(Math.max(0, asked.job.missedLimit - before));
      }),
    );
  });

  test('folds ticks only into runs that exist and have not begun, or that it has just made', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const decisions = decided(asked);
        const made = decisions.flatMap((one) => (one.kind === 'start' || one.kind === 'queue' ? [one.runId] : []));
        const waiting = asked.context.waitingForPlace ? ['live-run'] : [];
        const legal = [...made, ...waiting, ...asked.slot.queued.map((run) => run.runId)];
        for (const { into } of ofKind(decisions, 'fold')) expect(legal).toContain(into);
      }),
    );
  });

  test('asks a run to stop only if it is live and has begun and the policy is cancel, and only once', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const stops = ofKind(decided(asked), 'stop');
        const may = asked.job.onOverlap === 'cancel' && asked.slot.live !== undefined && !asked.context.waitingForPlace;
        expect(stops.length).toBeLessThanOrEqual(may ? 1 : 0);
        for (const stop of stops) expect(stop.runId).toBe('live-run');
      }),
    );
  });

  test.each([
    ['draining', { draining: true }, {}, {}],
    ['unmatched', { matched: false }, {}, {}],
    ['paused', {}, { paused: true }, {}],
    ['paused', {}, {}, { paused: true }],
  ] as const)('skips every tick as %s when it is closed (%o %o %o)', (reason, context, job, slot) => {
    fc.assert(
      fc.property(question, (asked) => {
        const decisions = decided({
          job: { ...asked.job, ...job },
          dueTicks: asked.dueTicks,
          slot: { ...asked.slot, ...slot },
          context: { ...asked.context, ...context },
        });
        for (const made of decisions) expect(made).toMatchObject({ kind: 'skip', reason });
      }),
    );
  });

  test('is pure: it answers alike when asked again, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const before = structuredClone(asked);
        const first = decided(asked);
        expect(decided(asked)).toEqual(first);
        expect(asked).toEqual(before);
      }),
    );
  });

  test('decides nothing more when asked about the same ticks again', () => {
    fc.assert(
      fc.property(question, ({ job, dueTicks, slot, context }) => {
        const decidedUntil = Math.max(slot.decidedUntil, dueTicks.at(-1) ?? 0);
        expect(decide(job, dueTicks, { ...slot, decidedUntil }, context)).toEqual([]);
      }),
    );
  });

  test('gives a run the id that follows from job and tick', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const made = decided(asked).filter((one) => one.kind === 'start' || one.kind === 'queue');
        expect(made.map((one) => one.runId)).toEqual(made.map((one) => runIdOf(asked.job.name, one.tick)));
      }),
    );
  });
});

describe('a tick that finds a live run', () => {
  test.each([
    ['skip', { live: LIVE }, {}, ['skip 1 overlap', 'skip 2 overlap']],
    ['skip', { live: LIVE }, { waitingForPlace: true }, ['skip 1 capacity', 'skip 2 capacity']],
    ['skip', {}, { exclusiveHeld: true }, ['skip 1 exclusive', 'skip 2 exclusive']],
    ['queue', { live: LIVE }, {}, ['queue 1 tick', 'fold 2 run1']],
    ['queue', { live: LIVE }, { waitingForPlace: true }, ['fold 1 live-run', 'fold 2 live-run']],
    ['queue', {}, { exclusiveHeld: true }, ['queue 1 tick', 'fold 2 run1']],
    ['queue', { live: LIVE, queued: [{ runId: 'q', cause: 'trigger' }] }, {}, ['fold 1 q', 'fold 2 q']],
    ['cancel', { live: LIVE }, {}, ['stop live-run', 'queue 1 tick', 'fold 2 run1']],
    ['cancel', { live: LIVE }, { waitingForPlace: true }, ['fold 1 live-run', 'fold 2 live-run']],
    ['cancel', {}, { exclusiveHeld: true }, ['queue 1 tick', 'fold 2 run1']],
  ] as const)('of policy %s, with %o and %o, comes to %o', (onOverlap, slot, context, expected) => {
    expect(brief(decide(jobWith({ onOverlap }), [T1, T2], slotWith(slot), contextWith(context)))).toEqual(expected);
  });

  test.each([
    ['skip', ['start 1 tick', 'skip 2 overlap']],
    ['queue', ['start 1 tick', 'queue 2 tick']],
    ['cancel', ['start 1 tick', 'fold 2 run1']],
  ] as const)('that the tick before it has just started, of policy %s, comes to %o', (onOverlap, expected) => {
    expect(brief(decide(jobWith({ onOverlap }), [T1, T2], slotWith({}), contextWith({})))).toEqual(expected);
  });
});

describe('ticks that were missed', () => {
  test.each([
    ['skip', ['miss 1 down', 'miss 2 down', 'start 3 tick']],
    ['latest', ['start 2 catchup', 'fold 1 run2', 'skip 3 overlap']],
    ['all', ['start 1 catchup', 'queue 2 catchup', 'skip 3 overlap']],
  ] as const)('of policy %s come to %o beside one that is on time', (onMissed, expected) => {
    expect(brief(decide(jobWith({ onMissed }), [T1, T2, T3], slotWith({}), contextWith({ liveSince: T2 })))).toEqual(expected);
  });

  test('are not started and stopped in one breath by a tick of policy cancel', () => {
    const decisions = decide(
      jobWith({ onMissed: 'latest', onOverlap: 'cancel' }),
      [T1, T2, T3],
      slotWith({}),
      contextWith({ liveSince: T2 }),
    );
    expect(brief(decisions)).toEqual(['start 2 catchup', 'fold 1 run2', 'fold 3 run2']);
  });

  test('say which were too old', () => {
    const job = jobWith({ onMissed: 'latest', missedWindowMs: 250 });
    expect(brief(decide(job, [T1, T2, T3], slotWith({}), contextWith({ liveSince: NOW })))).toEqual([
      'miss 1 window',
      'start 3 catchup',
      'fold 2 run3',
    ]);
  });

  test('count the catch-ups that still wait towards missedLimit', () => {
    const slot = slotWith({ live: LIVE, queued: [{ runId: 'c', cause: 'catchup' }] });
    const decisions = decide(jobWith({ onMissed: 'all', missedLimit: 2 }), [T1, T2, T3], slot, contextWith({ liveSince: NOW }));
    expect(brief(decisions)).toEqual(['miss 1 limit', 'miss 2 limit', 'queue 3 catchup']);
  });
});

describe('a trigger', () => {
  const ask = (fields: { job?: object; slot?: object; context?: object; ownInput?: boolean }): string[] =>
    decideTrigger(
      jobWith(fields.job ?? {}),
      'asked',
      fields.ownInput ?? false,
      slotWith(fields.slot ?? {}),
      contextWith(fields.context ?? {}),
    ).map((made) => {
      if (made.kind === 'refuse')
        return made.liveRunId === undefined ? `refuse ${made.reason}` : `refuse ${made.reason} ${made.liveRunId}`;
      return made.kind === 'fold' ? `fold ${made.into}` : `${made.kind} ${made.runId}`;
    });

  test.each([
    [{}, ['start asked']],
    [{ job: { paused: true }, slot: { paused: true } }, ['start asked']],
    [{ context: { draining: true } }, ['refuse draining']],
    [{ context: { matched: false } }, ['refuse unmatched']],
    [{ slot: { live: LIVE } }, ['refuse overlap live-run']],
    [{ context: { exclusiveHeld: true } }, ['refuse exclusive']],
    [{ slot: { queued: [{ runId: 'c', cause: 'catchup' }] } }, ['refuse overlap']],
    [{ job: { onOverlap: 'queue' }, slot: { live: LIVE } }, ['queue asked']],
    [{ job: { onOverlap: 'queue' }, slot: { live: LIVE, queued: [{ runId: 'q', cause: 'tick' }] } }, ['fold q']],
    [
      { job: { onOverlap: 'queue' }, slot: { live: LIVE, queued: [{ runId: 'q', cause: 'tick' }] }, ownInput: true },
      ['refuse overlap live-run'],
    ],
    [{ job: { onOverlap: 'cancel' }, slot: { live: LIVE } }, ['stop live-run', 'queue asked']],
    [{ job: { onOverlap: 'cancel' }, slot: { live: LIVE }, context: { waitingForPlace: true } }, ['fold live-run']],
  ])('in %o comes to %o', (fields, expected) => {
    expect(ask(fields)).toEqual(expected);
  });

  test('never starts beside a live or queued run, never queues a second one, and always comes to one decision', () => {
    fc.assert(
      fc.property(question, fc.boolean(), fc.boolean(), fc.boolean(), ({ job, slot, context }, ownInput, draining, matched) => {
        const before = structuredClone({ slot, context });
        const around = { ...context, draining, matched };
        const decisions = decideTrigger(job, 'asked', ownInput, slot, around);
        const kinds = decisions.map((made) => made.kind);
        const isClosed = slot.live !== undefined || slot.queued.length > 0 || context.exclusiveHeld;
        expect(kinds.filter((kind) => kind !== 'stop')).toHaveLength(1);
        const hasQueued = slot.queued.some((run) => run.cause !== 'catchup');
        const mayStop = job.onOverlap === 'cancel' && slot.live !== undefined && !context.waitingForPlace;
        expect(kinds.includes('start') && (isClosed || draining || !matched)).toBe(false);
        expect(kinds.includes('queue') && hasQueued).toBe(false);
        expect(kinds.includes('stop') && (!mayStop || kinds.includes('refuse'))).toBe(false);
        expect(decideTrigger(job, 'asked', ownInput, slot, around)).toEqual(decisions);
        expect({ slot, context }).toEqual(before);
      }),
    );
  });
});

test('every policy is put to the question', () => {
  const seen = new Set<string>();
  fc.assert(fc.property(question, ({ job }) => void seen.add(job.onOverlap).add(job.onMissed)));
  expect(seen).toEqual(new Set([...OVERLAP_POLICIES, ...MISSED_POLICIES]));
});

describe('a gap of ticks too many to be listed', () => {
  const gap = { from: NOW - 10_000, to: T1 - 1 };
  const inDowntime = { liveSince: NOW };

  test.each([
    ['skip', ['range 8999 ms missed window', 'range 700 ms missed down', 'miss 1 down', 'miss 2 down', 'miss 3 down']],
    ['latest', ['range 8999 ms missed window', 'start 3 catchup', 'fold 1 run3', 'fold 2 run3', 'range 700 ms folded run3']],
    [
      'all',
      ['range 8999 ms missed window', 'range 700 ms missed limit', 'start 1 catchup', 'queue 2 catchup', 'queue 3 catchup'],
    ],
  ] as const)('follows onMissed: %s and the window, with one outcome for each part', (onMissed, expected) => {
    const job = jobWith({ onMissed, missedWindowMs: 1_000 });
    expect(brief(decide(job, [T1, T2, T3], slotWith({}), contextWith(inDowntime), gap))).toEqual(expected);
  });

  test('is missed while down if the newest missed tick leads to no run', () => {
    const slot = slotWith({ live: LIVE });
    const job = jobWith({ missedWindowMs: 1e9 });
    expect(brief(decide(job, [T3], slot, contextWith(inDowntime), { ...gap, to: T3 - 1 }))).toEqual([
      'skip 3 overlap',
      'range 9899 ms missed down',
    ]);
  });

  test.each([
    [{ paused: true }, {}, 'paused'],
    [{}, { matched: false }, 'unmatched'],
    [{}, { draining: true }, 'draining'],
  ])('is skipped by a job that is closed: %o %o', (slot, context, reason) => {
    const decisions = decide(jobWith({}), [T3], slotWith(slot), contextWith({ ...inDowntime, ...context }), gap);
    expect(brief(decisions)).toEqual([`range ${gap.to - gap.from} ms skipped ${reason}`, `skip 3 ${reason}`]);
  });

  test('is decided from where the slot is decided, and not at all if that is behind it', () => {
    const job = jobWith({ missedWindowMs: 1 });
    const after = (decidedUntil: number): string[] =>
      brief(decide(job, [T3], slotWith({ decidedUntil }), contextWith(inDowntime), gap));
    expect(after(gap.to - 40)).toEqual(['range 40 ms missed window', 'miss 3 window']);
    expect(after(gap.to)).toEqual(['miss 3 window']);
  });

  test('is covered whole, in at most two parts that do not overlap, whatever the policies', () => {
    fc.assert(
      fc.property(question, fc.integer({ min: 1, max: 3_000 }), ({ job, dueTicks, slot, context }, lengthMs) => {
        fc.pre(dueTicks.length > 0);
        const to = (dueTicks[0] ?? 0) - 1;
        const whole = { from: to - lengthMs, to };
        const ranges = ofKind(decide(job, dueTicks, slot, context, whole), 'range').map(({ range }) => range);
        const sorted = ranges.toSorted((one, other) => one.from - other.from);
        const from = Math.max(whole.from, slot.decidedUntil);
        const reached = sorted.reduce((end, range) => (range.from === end && range.to > end ? range.to : NaN), from);
        const isDecided = from >= to || (dueTicks.at(-1) ?? 0) <= slot.decidedUntil;
        expect(ranges.length).toBeLessThanOrEqual(2);
        expect(reached).toBe(isDecided ? from : to);
      }),
    );
  });
});
