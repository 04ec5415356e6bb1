import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Job, NotifyRule } from '../../src/core/job.ts';
import { MESSAGE_LIFE_MS } from '../../src/core/message.ts';
import type { Clock } from '../../src/core/ports.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createNotifier, type Notifier } from '../../src/system/notify.ts';
import type { NotifierParts } from '../../src/system/notify-parts.ts';
import type { Send } from '../../src/system/notify-send.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { draftTo, FakeOutbox, jobWith, LineLog, ruleTo, startReceiver } from './notify-setup.ts';

interface Bundle extends AsyncDisposable {
  readonly outbox: FakeOutbox;
  readonly log: LineLog;
  readonly notifier: Notifier;
  readonly clock: Clock;
}

/** A notifier for one job with these rules, over an outbox with one message for each. */
async function setup(rules: readonly NotifyRule[], own: Partial<NotifierParts> = {}): Promise<Bundle> {
  const outbox = new FakeOutbox();
  const log = new LineLog();
  const clock = own.clock ?? createSystemClock();
  const jobs = [jobWith('report', { notify: rules })];
  await outbox.enqueue(
    rules.map((rule) => draftTo(rule)),
    clock.now(),
  );
  const notifier = createNotifier({ outbox, log, clock, jobs: () => jobs, env: process.env, random: () => 0, ...own });
  return { outbox, log, notifier, clock, [Symbol.asyncDispose]: () => inTime(clock, notifier[Symbol.asyncDispose]()) };
}

/** A send that answers at once; what time does is the virtual clock's alone. */
function answering(answer: (url: string, body: string) => number): {
  send: Send;
  asked: { url: string; body: string }[];
} {
  const asked: { url: string; body: string }[] = [];
  const fake = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const body = typeof init?.body === 'string' ? init.body : '';
    asked.push({ url: String(url), body });
    const status = answer(String(url), body);
    if (status === 0) throw new TypeError('send failed', { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }) });
    return new Response(null, { status });
  };
  return { send: fake, asked };
}

/** A virtual clock stands still unless it is driven. */
function inTime(clock: Clock, promise: PromiseLike<void>): Promise<void> {
  const whole = Promise.resolve(promise);
  return 'waitFor' in clock ? (clock as VirtualClock).waitFor(whole) : whole;
}

function virtual(): VirtualClock {
  return createVirtualClock();
}

test('a message is posted as it is, and leaves the outbox when the receiver has taken it', async () => {
  await using receiver = await startReceiver();
  await using bundle = await setup([ruleTo(`${receiver.url}/hook?a=1`)]);
  await receiver.waitFor(1);
  await bundle.log.waitFor(/message delivered/);
  expect(receiver.received[0]).toMatchObject({
    path: '/hook?a=1',
    headers: { 'content-type': 'application/json', 'webhook-id': expect.stringMatching(/^tickwise-\d+-1$/) },
    body: '{"version":1,"event":"failed","runId":"run-1"}',
  });
  expect(receiver.received[0]?.headers).not.toHaveProperty('webhook-signature');
  await bundle[Symbol.asyncDispose]();
  expect(bundle.outbox.messages.size).toBe(0);
});

test('user and password of an address become its authorization', async () => {
  await using receiver = await startReceiver();
  await using _ = await setup([ruleTo(receiver.url.replace('//', '//me:p%40ss@'))]);
  await receiver.waitFor(1);
  expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

test('a failing receiver is tried again after 1 s, 2 s, 4 s … and at most 1 h', async () => {
  const clock = virtual();
  let failures = 14;
  const { send, asked } = answering(() => (--failures >= 0 ? 503 : 204));
  const times: number[] = [];
  await using bundle = await setup([ruleTo('https://example.com')], {
    clock,
    send: (...args) => {
      times.push(clock.monotonic());
      return send(...args);
    },
  });
  await clock.runUntil(() => bundle.outbox.messages.size === 0);
  const gaps = times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) / 1_000));
  expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 3_600, 3_600]);
  expect(asked).toHaveLength(15);
  expect(bundle.log.of(/takes messages again/)).toHaveLength(1);
  expect(bundle.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
});

test('a receiver that never answers is given up after 10 s, and tried again', async () => {
  const clock = virtual();
  let tries = 0;
  const hanging = ((_: unknown, init?: RequestInit) =>
    new Promise((_resolve, reject) => {
      tries++;
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    })) as Send;
  await using bundle = await setup([ruleTo('https://example.com')], { clock, send: hanging });
  await clock.runUntil(() => tries === 2);
  expect(clock.monotonic()).toBeCloseTo(11_000, -2);
  expect(bundle.log.of(/could not be delivered/)[0]?.fields).toMatchObject({ what: 'gave no answer within 10 s' });
});

test('a message that cannot be delivered in three days is dropped, and that is said', async () => {
  const clock = virtual();
  const { send } = answering(() => 0);
  await using bundle = await setup([ruleTo('https://example.com/path-secret')], { clock, send });
  await clock.runUntil(() => bundle.outbox.messages.size === 0);
  expect(clock.monotonic()).toBeGreaterThan(MESSAGE_LIFE_MS - 3_700_000);
  expect(clock.monotonic()).toBeLessThanOrEqual(MESSAGE_LIFE_MS);
  expect(bundle.log.lines.at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('three days') });
  expect(JSON.stringify(bundle.log.lines)).not.toContain('path-secret');
});

test('a receiver that is gone gets no message twice', async () => {
  const clock = virtual();
  const { send, asked } = answering(() => 410);
  await using bundle = await setup([ruleTo('https://example.com')], { clock, send });
  await clock.advance(100_000);
  expect(asked).toHaveLength(1);
  expect(bundle.outbox.settled).toEqual([{ id: 1, delivery: { kind: 'dropped' } }]);
  expect(bundle.log.lines.at(-1)).toMatchObject({ level: 'error', fields: { what: 'answered 410 Gone' } });
});

test('a redirect is not followed', async () => {
  await using elsewhere = await startReceiver();
  await using receiver = await startReceiver((_, response) => void response.writeHead(307, { location: elsewhere.url }).end());
  await using bundle = await setup([ruleTo(receiver.url)]);
  const line = await bundle.log.waitFor(/could not be delivered/);
  expect(line.fields).toMatchObject({ what: 'answered with a redirect, which is not followed' });
  expect(elsewhere.received).toEqual([]);
});

test('a receiver that asks for more time gets it', async () => {
  const clock = virtual();
  const asked: number[] = [];
  const send = (async () => {
    asked.push(clock.monotonic());
    return asked.length === 1 ? new Response(null, { status: 429, headers: { 'retry-after': '120' } }) : new Response();
  }) as Send;
  await using bundle = await setup([ruleTo('https://example.com')], { clock, send });
  await clock.runUntil(() => bundle.outbox.messages.size === 0);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(120_000);
});

test('a receiver that hangs holds up no other', async () => {
  await using hanging = await startReceiver(() => {});
  await using receiver = await startReceiver();
  await using bundle = await setup([ruleTo(hanging.url), ruleTo(receiver.url)]);
  await hanging.waitFor(1);
  await receiver.waitFor(1);
  await bundle.outbox.enqueue([draftTo(ruleTo(hanging.url)), draftTo(ruleTo(receiver.url), { body: '{"n":2}' })], Date.now());
  bundle.notifier.wake();
  await receiver.waitFor(2);
  expect(hanging.received).toHaveLength(1);
});

test('three thousand messages for a dead receiver stand in nobody’s way', async () => {
  const clock = virtual();
  const { send, asked } = answering((url) => (url.includes('dead') ? 0 : 204));
  const [dead, sound] = [ruleTo('https://dead.example.com'), ruleTo('https://sound.example.com')];
  await using bundle = await setup([dead, sound], { clock, send });
  await bundle.outbox.enqueue(
    Array.from({ length: 3_000 }, () => draftTo(dead)),
    clock.now(),
  );
  await bundle.outbox.enqueue([draftTo(sound, { body: '{"n":2}' })], clock.now());
  bundle.notifier.wake();
  await clock.runUntil(() => asked.some(({ body }) => body === '{"n":2}'));
  expect(clock.monotonic()).toBeLessThan(5_000);
  // One attempt for each rest of the receiver, and not one for each message.
  expect(asked.filter(({ url }) => url.includes('dead')).length).toBeLessThan(5);
});

test('messages come in their order, before and after an outage', async () => {
  const clock = virtual();
  let isDown = false;
  const got: string[] = [];
  const { send } = answering((_, body) => {
    if (isDown) return 503;
    got.push(body);
    return 204;
  });
  const rule = ruleTo('https://example.com');
  await using bundle = await setup([], { clock, send, jobs: onceOf(rule) });
  const enqueue = (...numbers: number[]): Promise<void> =>
    bundle.outbox.enqueue(
      numbers.map((n) => draftTo(rule, { body: String(n) })),
      clock.now(),
    );
  await enqueue(1, 2, 3);
  bundle.notifier.wake();
  await clock.advance(1_000);
  isDown = true;
  await enqueue(4, 5, 6);
  bundle.notifier.wake();
  await clock.advance(10_000);
  isDown = false;
  await clock.runUntil(() => bundle.outbox.messages.size === 0);
  expect(got.slice(0, 3)).toEqual(['1', '2', '3']);
  expect(got.slice(3).toSorted()).toEqual(['4', '5', '6']);
});

test('a message that its receiver cannot stomach does not hold up those behind it', async () => {
  const clock = virtual();
  const { send, asked } = answering((_, body) => (body === 'poison' ? 500 : 204));
  const rule = ruleTo('https://example.com');
  await using bundle = await setup([], { clock, send, jobs: onceOf(rule) });
  await bundle.outbox.enqueue(
    ['poison', '1', '2', '3'].map((body) => draftTo(rule, { body })),
    clock.now(),
  );
  bundle.notifier.wake();
  await clock.runUntil(() => bundle.outbox.messages.size === 1);
  expect(asked.map(({ body }) => body)).toEqual(expect.arrayContaining(['1', '2', '3']));
  expect(clock.monotonic()).toBeLessThan(10_000);
});

test('what waits for a dead receiver costs the store no write but for each attempt', async () => {
  const clock = virtual();
  const { send, asked } = answering(() => 0);
  const rule = ruleTo('https://example.com');
  await using bundle = await setup([], { clock, send, jobs: onceOf(rule) });
  await bundle.outbox.enqueue(
    Array.from({ length: 400 }, () => draftTo(rule)),
    clock.now(),
  );
  bundle.notifier.wake();
  await clock.advance(3_600_000);
  expect(bundle.outbox.settled).toHaveLength(asked.length);
  expect(asked.length).toBeLessThan(20);
});

test('messages that were behind a dead receiver for three days are dropped with the one that was tried', async () => {
  const clock = virtual();
  const { send } = answering(() => 0);
  const rule = ruleTo('https://example.com');
  await using bundle = await setup([], { clock, send, jobs: onceOf(rule) });
  await bundle.outbox.enqueue(
    Array.from({ length: 700 }, () => draftTo(rule)),
    clock.now(),
  );
  bundle.notifier.wake();
  await clock.advance(MESSAGE_LIFE_MS + 2 * 3_600_000);
  expect(bundle.outbox.messages.size).toBe(0);
  expect(bundle.log.of(/three days/)).toHaveLength(700);
});

test('a message whose receiver is configured no more is dropped, and that is said', async () => {
  const clock = virtual();
  await using bundle = await setup([ruleTo('https://example.com')], { clock, jobs: onceOf() });
  await clock.advance(1_000);
  expect(bundle.outbox.messages.size).toBe(0);
  expect(bundle.log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('no rule names its receiver') }]);
});

test('a delivery that the store cannot note is noted when it can, and not repeated', async () => {
  const clock = virtual();
  const outbox = new FakeOutbox();
  const { send, asked } = answering(() => {
    outbox.isFailing = true;
    return 204;
  });
  await using bundle = await setup([], { clock, send, outbox, jobs: onceOf(ruleTo('https://example.com')) });
  await outbox.enqueue([draftTo(ruleTo('https://example.com'))], clock.now());
  bundle.notifier.wake();
  await clock.advance(60_000);
  expect(outbox.messages.size).toBe(1);
  outbox.isFailing = false;
  await clock.runUntil(() => outbox.messages.size === 0);
  expect(asked).toHaveLength(1);
  expect(bundle.log.of(/the store fails/)).toHaveLength(1);
});

test('a command gets the message on its standard input, and an environment without the daemon’s secrets', async () => {
  using folder = temporaryFolder();
  const rule = commandOf(
    folder,
    `cat > "${folder.path}/got.tmp"; env > "${folder.path}/env"; mv "${folder.path}/got.tmp" "${folder.path}/got"`,
  );
  await using bundle = await setup([rule], { env: { ...process.env, DB_PASSWORD: 'hunter2', TZ: 'UTC' } });
  await bundle.log.waitFor(/message delivered/);
  expect(readFileSync(join(folder.path, 'got'), 'utf8')).toBe('{"version":1,"event":"failed","runId":"run-1"}');
  const names = readFileSync(join(folder.path, 'env'), 'utf8')
    .split('\n')
    .map((line) => line.split('=')[0]);
  expect(names).toEqual(expect.arrayContaining(['TICKWISE_EVENT', 'TICKWISE_JOB', 'TICKWISE_RUN_ID', 'PATH', 'TZ']));
  expect(names).not.toContain('DB_PASSWORD');
});

test('a command that fails is run again, and its last word is said', async () => {
  using folder = temporaryFolder();
  const rule = commandOf(
    folder,
    `echo no route >&2; test -e "${folder.path}/again" || { touch "${folder.path}/again"; exit 3; }`,
  );
  await using bundle = await setup([rule]);
  const line = await bundle.log.waitFor(/could not be delivered/);
  expect(line.fields).toMatchObject({ what: 'ended with 3: no route', receiver: join(folder.path, 'tell.sh') });
  await bundle.log.waitFor(/message delivered/);
});

test('a command that cannot be started is said to be so', async () => {
  await using bundle = await setup([{ on: ['failed'], command: ['/no/such/program'] }]);
  const line = await bundle.log.waitFor(/could not be delivered/);
  expect(line.fields).toMatchObject({ what: 'cannot be started: ENOENT' });
});

test('a command that reads nothing and leaves a child behind is no hindrance', async () => {
  using folder = temporaryFolder();
  const rule = commandOf(folder, `sleep 20 & echo $! > "${folder.path}/pid"; exit 0`);
  await using bundle = await setup([], { jobs: onceOf(rule) });
  await bundle.outbox.enqueue([draftTo(rule, { body: 'x'.repeat(1_000_000) })], Date.now());
  bundle.notifier.wake();
  await bundle.log.waitFor(/message delivered/);
  const pid = Number(readFileSync(join(folder.path, 'pid'), 'utf8'));
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
});

test('a command that takes longer than 30 s is killed with all that it started', async () => {
  using folder = temporaryFolder();
  const rule = commandOf(
    folder,
    `sleep 300 & echo $! > "${folder.path}/pid.tmp"; mv "${folder.path}/pid.tmp" "${folder.path}/pid"; trap "" TERM; wait`,
  );
  const clock = hurried();
  await using bundle = await setup([rule], { clock });
  const line = await bundle.log.waitFor(/could not be delivered/);
  expect(line.fields).toMatchObject({ what: 'was killed after 30 s' });
  const pid = Number(readFileSync(join(folder.path, 'pid'), 'utf8'));
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
});

test('what is under way when the daemon goes is given 2 s, and what is not delivered stays', async () => {
  const clock = virtual();
  const hanging = ((_: unknown, init?: RequestInit) =>
    new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    })) as Send;
  const bundle = await setup([ruleTo('https://example.com')], { clock, send: hanging });
  await clock.advance(1_000);
  await bundle[Symbol.asyncDispose]();
  expect(clock.monotonic()).toBe(3_000);
  expect(bundle.outbox.messages.get(1)).toMatchObject({ attempts: 0 });
  expect(clock.timers).toBe(0);
});

function onceOf(...notify: NotifyRule[]): () => readonly Job[] {
  const jobs = [jobWith('report', { notify })];
  return () => jobs;
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'notify-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function commandOf({ path }: { readonly path: string }, script: string): NotifyRule {
  writeFileSync(join(path, 'tell.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { on: ['failed'], command: [join(path, 'tell.sh')] };
}

/** Thirty seconds in one and a half. */
function hurried(): Clock {
  const clock = createSystemClock();
  return { ...clock, monotonic: () => clock.monotonic() * 20, setTimer: (at, callback) => clock.setTimer(at / 20, callback) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
