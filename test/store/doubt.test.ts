/** A commit whose answer is an I/O error: was it applied or not? The disk's errors are put into `node:sqlite`, which reports them so. */
import { DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Store, Turn, TurnResult } from '../../src/core/store.ts';
import type { Happening, MessageDraft } from '../../src/core/message.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, triggerOf, turnOf } from './fixture.ts';

// Taken to be put back, and called on the object that they were called on.
// oxlint-disable-next-line typescript/unbound-method
const { run, get } = StatementSync.prototype;
// oxlint-disable-next-line typescript/unbound-method
const { prepare } = DatabaseSync.prototype;
const T1 = ARMED_AT + 1_000;
const T2 = ARMED_AT + 2_000;

/** SQLITE_IOERR_FSYNC, as `node:sqlite` throws it. */
function diskError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1_034, errstr: 'disk I/O error' });
}

/** The connections on which a store commits, by their statement. */
const connections = new WeakMap<StatementSync, DatabaseSync>();
DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...args: Parameters<typeof prepare>) {
  const statement = prepare.apply(this, args);
  connections.set(statement, this);
  return statement;
};

/** The next COMMIT reports a disk error: after it took effect, or in its place, when SQLite rolls back. */
function failNextCommit(how: 'after' | 'instead', then: () => void = () => {}): void {
  StatementSync.prototype.run = function (this: StatementSync, ...values: SQLInputValue[]) {
    if (this.sourceSQL !== 'commit') return Reflect.apply(run, this, values) as ReturnType<typeof run>;
    StatementSync.prototype.run = run;
    if (how === 'after') Reflect.apply(run, this, values);
    else connections.get(this)?.exec('rollback');
    then();
    throw diskError();
  } as typeof run;
}

/** Reading fails as long as this is in force. */
function failReading(): void {
  StatementSync.prototype.get = () => {
    throw diskError();
  };
}

function works(): void {
  StatementSync.prototype.run = run;
  StatementSync.prototype.get = get;
}

afterEach(works);

async function setup(...jobs: readonly Job[]): Promise<AsyncDisposable & { store: Store; commit(turn: Turn): TurnResult }> {
  const folder = tempFolder();
  const messages = (happening: Happening): readonly MessageDraft[] => [
    { job: 'a', event: 'failed', target: 'hook', body: JSON.stringify(happening) },
  ];
  const store = await openSqliteStore({ path: folder.file('ledger.db'), node: NODE, messages });
  await store.arm(jobs, ARMED_AT);
  return {
    store,
    commit: (turn) => store.commit(turn) as TurnResult,
    async [Symbol.asyncDispose]() {
      works();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const job = makeJob('a', { onOverlap: 'queue' });
const KEY = { key: 'k', fingerprint: 'f', until: T2 + 1_000 };

/** A turn of each sort, after a turn that prepares it. */
const SORTS: Record<string, (live: { job: string; runId: string; fence: number }) => Partial<Turn>> = {
  'a grant': () => ({ claims: [ticksOf(makeJob('b'), [T2])] }),
  'an end': (live) => ({ ends: [endOf(live, T2)] }),
  'an end and the grant that follows it': (live) => ({ ends: [endOf(live, T2)], claims: [ticksOf(job, [T2])] }),
  'a tick that is queued': () => ({ claims: [ticksOf(job, [T2])] }),
  'a trigger that is queued': () => ({ claims: [triggerOf(job, T2)] }),
  'a trigger whose key is kept with the run into which it folds': () => ({
    claims: [triggerOf(job, T2, { runId: 'queued', input: '1' }), triggerOf(job, T2, { runId: 'folds', idempotency: KEY })],
  }),
  'a tick that is missed': () => ({ claims: [ticksOf(makeJob('b', { onMissed: 'skip' }), [T2], { liveSince: T2 })] }),
  'a tick that is skipped': () => ({ claims: [ticksOf(makeJob('b'), [T2], { matched: false })] }),
};

describe.each(Object.entries(SORTS))('a commit that fails on the disk: %s', (_, parts) => {
  it('is true when it took effect, and its answer is the one that it had', async () => {
    await using it = await setup(job, makeJob('b'));
    const [live] = it.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] })).grants;
    if (live === undefined) throw new Error('the run was not granted');
    const turn = turnOf(T2, parts(live));
    failNextCommit('after');

    const result = it.commit(turn);

    await using twin = await setup(job, makeJob('b'));
    twin.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
    expect(result).toEqual(twin.commit(turn));
    expect(await it.store.runs({ limit: 9 })).toEqual(await twin.store.runs({ limit: 9 }));
    expect(await it.store.dueMessages(T2, 9)).toEqual(await twin.store.dueMessages(T2, 9));
  });

  it('stays in doubt while the ledger cannot be read, and is told when it can', async () => {
    await using it = await setup(job, makeJob('b'));
    const [live] = it.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] })).grants;
    if (live === undefined) throw new Error('the run was not granted');
    const turn = turnOf(T2, parts(live));
    failNextCommit('after', failReading);

    expect(() => it.commit(turn)).toThrow(
      expect.objectContaining({ code: 'STORE_UNUSABLE', facts: expect.objectContaining({ inDoubt: true }) }),
    );
    expect(() => it.store.settle?.(turn)).toThrow(expect.objectContaining({ facts: expect.objectContaining({ inDoubt: true }) }));
    works();

    expect(it.store.settle?.(turn)).toBeDefined();
  });
});

it('a commit that SQLite rolled back with an I/O error is said to have kept nothing, and is taken the second time', async () => {
  await using it = await setup(job);
  const turn = turnOf(T1, { claims: [ticksOf(job, [T1])] });
  failNextCommit('instead');
  expect(() => it.commit(turn)).toThrow(
    expect.objectContaining({ code: 'STORE_UNUSABLE', facts: expect.not.objectContaining({ inDoubt: true }) }),
  );
  expect(it.commit(turn)).toMatchObject({ grants: [{ fence: 1 }] });
});

it('a trigger that folds alone, and whose commit is in doubt, is known by its key', async () => {
  await using it = await setup(job);
  it.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
  it.commit(turnOf(T1, { claims: [triggerOf(job, T1, { runId: 'queued', idempotency: { ...KEY, until: T2 } })] }));
  const turn = turnOf(T2, { claims: [triggerOf(job, T2, { runId: 'folds', idempotency: KEY })] });
  failNextCommit('instead');
  expect(() => it.commit(turn)).toThrow(expect.objectContaining({ facts: expect.not.objectContaining({ inDoubt: true }) }));
  failNextCommit('after');
  expect(it.commit(turn)).toMatchObject({ decisions: [[{ kind: 'fold', into: 'queued' }]] });
});

it('messages that were rolled back take no room from those that wait', async () => {
  await using it = await setup(job);
  const draft = { job: 'a', event: 'failed', target: 'hook', body: '' } as const;
  await it.store.enqueue(
    Array.from({ length: 99_999 }, (_, index) => ({ ...draft, body: `${index}` })),
    T1,
  );
  const { grants } = it.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
  const ends = grants.map((grant) => endOf(grant, T2));
  const [first, second] = await it.store.dueMessages(T2, 2);
  const oldest = async (): Promise<number | undefined> => (await it.store.dueMessages(T2, 1))[0]?.id;
  expect(() => it.commit(turnOf(T2, { ends, claims: [ticksOf(makeJob('unarmed'), [T2])] }))).toThrow('before it was armed');
  await it.store.enqueue([draft], T2);
  expect(await oldest()).toBe(first?.id);
  await it.store.settleMessage(first?.id ?? 0, { kind: 'sent' });
  failNextCommit('instead');
  await expect(it.store.enqueue([draft], T2)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  await it.store.enqueue([draft], T2);
  expect(await oldest()).toBe(second?.id);
});

it('a turn that SQLite rolled back leaves no message, and one when it is taken the second time', async () => {
  await using it = await setup(job);
  const [live] = it.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] })).grants;
  if (live === undefined) throw new Error('the run was not granted');
  const turn = turnOf(T2, { ends: [endOf(live, T2)] });
  failNextCommit('instead');
  expect(() => it.commit(turn)).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }));
  expect(await it.store.nextMessageAt()).toBeUndefined();
  it.commit(turn);
  expect(await it.store.dueMessages(T2, 9)).toHaveLength(1);
});
