import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ProcessTable, type TableReading } from '../../src/runner/process-table.ts';

/** Sleepers with these environments, and a reading of the table while they live. */
async function setup(...environments: Record<string, string>[]): Promise<Disposable & { pids: number[]; reading: TableReading }> {
  const children = environments.map((env): ChildProcess => spawn('/bin/sleep', ['300'], { env }));
  return {
    pids: children.map((child) => child.pid ?? 0),
    reading: await new ProcessTable().read(),
    [Symbol.dispose]: () => children.forEach((child) => child.kill('SIGKILL')),
  };
}

describe.runIf(existsSync('/proc/self/environ'))('the marks of a reading', () => {
  it('are whole environment entries', async () => {
    using it = await setup({ TICKWISE_FIRST: '12', TICKWISE_LAST: 'x' });
    const { marks } = it.reading;
    const [pid = 0] = it.pids;
    expect(marks.has(pid, ['TICKWISE_FIRST=12'])).toBe(true);
    expect(marks.has(pid, ['TICKWISE_OTHER=1', 'TICKWISE_LAST=x'])).toBe(true);
    expect(marks.has(pid, ['TICKWISE_FIRST=1', 'ICKWISE_FIRST=12', 'TICKWISE_LAST='])).toBe(false);
  });

  it('lead to all who carry one of them, and to nobody else', async () => {
    using it = await setup({ TICKWISE_RUN_ID: 'marks-a' }, { TICKWISE_NODE_ID: 'marks-a' }, { TICKWISE_RUN_ID: 'marks-b' }, {});
    const { found } = it.reading.marks.find(['TICKWISE_RUN_ID=marks-a', 'TICKWISE_NODE_ID=marks-a']);
    expect(new Set(found.map(({ pid }) => pid))).toEqual(new Set(it.pids.slice(0, 2)));
    expect(it.reading.marks.find(['TICKWISE_RUN_ID=marks-c']).found).toEqual([]);
  });

  it('never lead to the process that asks', async () => {
    using it = await setup();
    process.env['TICKWISE_TEST'] = 'self';
    expect(it.reading.marks.find(['TICKWISE_TEST=self']).found).toEqual([]);
    delete process.env['TICKWISE_TEST'];
  });
});
