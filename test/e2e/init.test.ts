import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { HAS_PROC, MAIN, Site } from './daemon-process.ts';

describe.runIf(HAS_PROC)('what init writes into an empty folder', () => {
  it('runs at once', async () => {
    await using site = new Site();
    expect(spawnSync(process.execPath, [MAIN, 'init'], { cwd: site.dir }).status).toBe(0);

    const daemon = await site.startUp();

    const end = await daemon.line((line) => line['job'] === 'hello' && line['outcome'] !== undefined);
    expect(end['outcome']).toBe('unfinished');
    expect(daemon.lines.some((line) => line.message === 'hello, number 2')).toBe(true);
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
  });
});
