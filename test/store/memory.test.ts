import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import { describeStore } from './conformance.ts';
import { ARMED_AT, endOf, makeJob, NODE, ticksOf, turnOf } from './fixture.ts';

describeStore('memory', async (node, messages) => createMemoryStore({ node, messages }));

it('keeps no more ended runs and ticks of a job than its history allows', async () => {
  const job = makeJob('a', { history: { maxRunsPerJob: 3, maxAgeMs: 1_000 } });
  await using store = createMemoryStore({ node: NODE });
  await store.arm([job], ARMED_AT);
  for (let tick = ARMED_AT + 1; tick <= ARMED_AT + 10; tick++) {
    const { grants } = await store.commit(turnOf(tick, { claims: [ticksOf(job, [tick])] }));
    await store.commit(turnOf(tick, { ends: grants.map((grant) => endOf(grant, tick)) }));
  }
  const newest = [10, 9, 8].map((offset) => ARMED_AT + offset);
  expect((await store.runs({ job: 'a', limit: 100 })).map((run) => run.tick)).toEqual(newest);
  expect((await store.ticks({ job: 'a', limit: 100 })).map((row) => row.tick)).toEqual(newest);
});

it('says that a commit does not survive the process', () => {
  expect(createMemoryStore({ node: NODE }).durable).toBe(false);
});
