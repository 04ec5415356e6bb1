import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HAS_PROC, Site } from './daemon-process.ts';

describe.runIf(HAS_PROC)('a daemon refuses to start', () => {
  it('on a store that another daemon has open, naming it', async () => {
    await using site = new Site();
    site.configure({ jobs: { job: { task: { command: ['true'] } } } });
    const first = await site.startUp();

    const second = site.start();

    expect(await second.exited).toBe(4);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toContain(String(first.pid));
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
  });

  it('on a configuration with faults, showing each of them and no stack trace', async () => {
    await using site = new Site();
    writeFileSync(
      site.config,
      '{\n  "jobs": {\n    "a": { "tsk": { "command": ["true"] } },\n    "b": { "schedule": "61 * * * *", "task": { "command": ["true"] } }\n  }\n}\n',
    );

    const daemon = site.start();

    expect(await daemon.exited).toBe(2);
    expect(daemon.stderr).toMatch(/:3:\d+: jobs\.a/);
    expect(daemon.stderr).toMatch(/:4:\d+: jobs\.b\.schedule/);
    expect(daemon.stderr).not.toMatch(/^\s+at /m);
  });

  it('without a configuration, saying what to do', async () => {
    await using site = new Site();
    const daemon = site.start();
    expect(await daemon.exited).toBe(2);
    expect(daemon.stderr).toContain('tickwise init');
    expect(daemon.stderr.trim().split('\n')).toHaveLength(1);
  });
});
