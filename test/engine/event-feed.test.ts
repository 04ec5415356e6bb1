import { expect, test } from 'vitest';
import type { NumberedEvent } from '../../src/core/control.ts';
import { EventFeeds, KEPT_EVENTS, KEPT_JSON } from '../../src/engine/event-feed.ts';
import { Events } from '../../src/engine/events.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { SECOND, START } from './engine.ts';

const RUN = { job: 'a', runId: 'r', tick: START, fence: 1 };

function setup(): { events: Events; feeds: EventFeeds; tell: (count?: number) => void } {
  const events = new Events();
  const feeds = new EventFeeds(events, createVirtualClock({ start: START }), 'life');
  const tell = (count = 1): void => {
    for (let told = 0; told < count; told++) events.emit('runStalled', RUN);
  };
  return { events, feeds, tell };
}

function line(text: string, fields?: Record<string, unknown>): Parameters<typeof Events.prototype.emit<'runLine'>>[1] {
  return { ...RUN, attempt: 1, level: 'info', source: 'task', text, fields };
}

test('a listener hears what happens from now on, in order', () => {
  const { feeds, tell } = setup();
  tell(2);
  const heard: NumberedEvent[] = [];
  using feed = feeds.follow(undefined, (event) => void heard.push(event));
  expect(feed).toMatchObject({ backlog: [], hasGap: false, position: 'life-2' });
  tell(2);
  expect(heard.map(({ id, type }) => [id, type])).toEqual([
    ['life-3', 'runStalled'],
    ['life-4', 'runStalled'],
  ]);
});

test('a listener that comes back has what it missed, once', () => {
  const { feeds, tell } = setup();
  tell(5);
  const heard: string[] = [];
  using feed = feeds.follow('life-2', ({ id }) => void heard.push(id));
  tell();
  expect(feed.hasGap).toBe(false);
  expect([...feed.backlog.map(({ id }) => id), ...heard]).toEqual(['life-3', 'life-4', 'life-5', 'life-6']);
  expect(feeds.follow('life-6', () => {}).backlog).toEqual([]);
});

test.each(['other-2', 'life-9', 'life-', 'life', '', 'life--1', 'life-1e3', '-', `life-${'9'.repeat(40)}`])(
  'after %j, which this life has not told, there is a gap',
  (after) => {
    const { feeds, tell } = setup();
    tell(5);
    expect(feeds.follow(after, () => {})).toMatchObject({ backlog: [], hasGap: true });
  },
);

test('the newest events are kept, and what is gone is a gap', () => {
  const { feeds, tell } = setup();
  tell(KEPT_EVENTS + 10);
  expect(feeds.follow('life-9', () => {})).toMatchObject({ hasGap: true });
  const whole = feeds.follow('life-10', () => {});
  expect([whole.hasGap, whole.backlog.length, whole.backlog[0]?.id]).toEqual([false, KEPT_EVENTS, 'life-11']);
});

test('large events push out more of the old ones', () => {
  const { events, feeds } = setup();
  for (let told = 0; told < 2_000; told++) events.emit('runLine', line('x'.repeat(8_192)));
  const { backlog, hasGap } = feeds.follow('life-0', () => {});
  const size = backlog.reduce((sum, { data }) => sum + data.length, 0);
  expect(hasGap).toBe(true);
  expect(size).toBeLessThanOrEqual(KEPT_JSON);
  expect(size).toBeGreaterThan(KEPT_JSON - 10_000);
});

test('2,000 listeners are told of an event that is made JSON once', () => {
  const { events, feeds } = setup();
  let made = 0;
  const told: NumberedEvent[] = [];
  for (let count = 0; count < 2_000; count++) feeds.follow(undefined, (event) => void told.push(event));
  const counted = {
    toJSON: () => {
      made++;
      return 1;
    },
  };
  events.emit('runProgressed', { ...RUN, steps: 1, progress: counted as never });
  expect([told.length, new Set(told).size, made]).toEqual([2_000, 1, 1]);
});

test('a listener that has gone hears nothing more, and one that throws hurts nobody', () => {
  const { feeds, tell } = setup();
  let heard = 0;
  feeds.follow(undefined, () => {
    throw new Error('its connection broke');
  });
  const gone = feeds.follow(undefined, () => heard++);
  tell();
  gone[Symbol.dispose]();
  tell();
  expect([heard, feeds.listeners]).toEqual([1, 1]);
  feeds[Symbol.dispose]();
  tell();
  expect(feeds.follow('life-2', () => {}).backlog).toEqual([]);
});

test('instants are ISO 8601, durations are milliseconds, and what is absent is left out', () => {
  const { events, feeds } = setup();
  const error = { name: 'Error', message: 'no', stack: 'at /secret/place' };
  events.emit('runEnded', {
    ...RUN,
    outcome: 'failed',
    startedAt: START,
    endedAt: START + SECOND,
    steps: 1,
    attempts: 1,
    result: '{"large":true}',
    reason: undefined,
    error,
  });
  const [event] = feeds.follow('life-0', () => {}).backlog;
  expect(event?.type).toBe('runEnded');
  expect(JSON.parse(event?.data ?? '')).toEqual({
    at: '2026-01-01T00:00:00.000Z',
    job: 'a',
    runId: 'r',
    tick: '2026-01-01T00:00:00.000Z',
    fence: 1,
    outcome: 'failed',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:01.000Z',
    steps: 1,
    attempts: 1,
    error: { name: 'Error', message: 'no' },
  });
});

test('fields that JSON cannot keep, or that are too long, are left out of a line', () => {
  const { events, feeds } = setup();
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const fields of [circle, { big: 1n }, { long: 'x'.repeat(9_000) }, { kept: 1 }]) events.emit('runLine', line('t', fields));
  const told = feeds.follow('life-0', () => {}).backlog.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
  expect(told.map(({ text, fields }) => [text, fields])).toEqual([
    ['t', undefined],
    ['t', undefined],
    ['t', undefined],
    ['t', { kept: 1 }],
  ]);
});

test('figures and the faults of listeners are told to nobody outside', () => {
  const { events, feeds } = setup();
  events.emit('listenerFailed', { event: 'runLine', error: new Error('inner') });
  events.emit('stepsFinished', { ...RUN, count: 1, totalMs: 1, buckets: [1] });
  events.emit('storeCommitted', { forMs: 1, waitedMs: 0 });
  expect(feeds.follow('life-0', () => {})).toMatchObject({ backlog: [], hasGap: false });
  expect([events.isHeard('stepsFinished'), events.isHeard('runLine')]).toEqual([false, true]);
});
