import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { HAS_PROC, until } from '../e2e/daemon-process.ts';
import { MAIN } from './command-line.ts';
import { DaemonFolder, oneLine } from './daemon-folder.ts';

const SCRIPT = '/usr/bin/script';

/** A command line as `script` runs it: on a terminal of 100 columns. */
function onTerminal(line: string): string[] {
  return ['-qec', `stty cols 100; '${process.execPath}' '${MAIN}' ${line}`, '/dev/null'];
}

/** A program whose output, both streams in one, is watched while it comes. */
class Watched {
  out = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;

  constructor(folder: DaemonFolder, file: string, args: readonly string[], env: Record<string, string> = {}) {
    const { CI: _ci, NO_COLOR: _noColour, FORCE_COLOR: _colour, ...clean } = process.env;
    this.#child = spawn(file, args, { cwd: folder.dir, env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    }
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  saw(text: string): Promise<true> {
    return until(() => this.out.includes(text) || undefined, `${text} is printed`);
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }
}

it.runIf(HAS_PROC)('trigger --wait ends with the outcome and the result, and its exit status tells success', async () => {
  await using folder = await new DaemonFolder().start();
  const quick = await folder.tickwise('trigger', 'quick', '--wait');
  expect(quick.code).toBe(0);
  expect(quick.out).toMatch(/^run [0-9a-z-]{24} succeeded after \w+, 1 step\n\{\n {2}"files": 3\n\}\n$/);
  const failing = await folder.tickwise('trigger', 'failing', '--wait');
  expect(failing.code).toBe(1);
  expect(failing.out).toMatch(/^run [0-9a-z-]{24} failed after \w+, 1 step: .*9.*\n$/);
});

it.runIf(HAS_PROC)('trigger --wait --json prints the ended run and nothing else', async () => {
  await using folder = await new DaemonFolder().start();
  const { code, out, err } = await folder.tickwise('trigger', 'failing', '--wait', '--json');
  expect([code, err]).toEqual([1, '']);
  expect(JSON.parse(out)).toMatchObject({ job: 'failing', state: 'failed', cause: 'trigger', by: 'local' });
});

it.runIf(HAS_PROC)('trigger --wait of a run that spends its budget says that it goes on, and exits 0', async () => {
  await using folder = await new DaemonFolder().start();
  const { code, out } = await folder.tickwise('trigger', 'endless', '--wait', '--budget', '200ms');
  expect(out).toMatch(/ unfinished after .*; it goes on from its checkpoint at the next tick\n/);
  expect(code).toBe(0);
});

it.runIf(HAS_PROC)('trigger --wait tells in plain lines how far a run is, where there is no terminal', async () => {
  await using folder = await new DaemonFolder().start();
  const waiting = folder.tickwise('trigger', 'steps', '--wait');
  await folder.file('third');
  folder.go();
  const { code, err } = await waiting;
  expect(code).toBe(0);
  expect(err).toMatch(/^(run [0-9a-z-]{24}, running[^\n\u001b\r]*\n)+$/);
});

it.runIf(HAS_PROC && existsSync(SCRIPT))('trigger --wait redraws one line on a terminal', async () => {
  await using folder = await new DaemonFolder().start();
  const waiting = new Watched(folder, SCRIPT, onTerminal('trigger steps --wait'), { TERM: 'xterm' });
  await waiting.saw('2 of 4');
  folder.go();
  expect(await waiting.ended).toBe(0);
  const drawn = waiting.out.split('\r\u001b[2K').slice(1);
  expect(drawn.some((line) => /^steps .*running.* · \d+s · \S+ of budget left · 2 steps · 2 of 4 \(50 %\)$/.test(line))).toBe(
    true,
  );
  expect(drawn.at(-1)).toMatch(/^run [0-9a-z-]{24} \S*succeeded/);
  expect(waiting.out).toContain('\u001b[36mrunning\u001b[39m');
});

it.runIf(HAS_PROC && existsSync(SCRIPT))('trigger --wait uses no colour on a terminal that wants none', async () => {
  await using folder = await new DaemonFolder().start();
  folder.go();
  const waiting = new Watched(folder, SCRIPT, onTerminal('trigger gated --wait'), { TERM: 'xterm', NO_COLOR: '1' });
  expect(await waiting.ended).toBe(0);
  expect(waiting.out).toContain('succeeded');
  expect(waiting.out).not.toMatch(/\u001b\[\d+m/);
});

it.runIf(HAS_PROC)('Ctrl-C ends the waiting, and the run goes on', async () => {
  await using folder = await new DaemonFolder().start();
  const waiting = new Watched(folder, process.execPath, [MAIN, 'trigger', 'gated', '--wait']);
  await waiting.saw('running');
  waiting.interrupt();
  expect(await waiting.ended).toBe(130);
  const runId = /run (\S+) goes on/.exec(waiting.out)?.[1] ?? '';
  expect(waiting.out).toContain(`"tickwise cancel ${runId}" stops it`);
  expect(await folder.json('show', runId)).toMatchObject({ state: 'running' });
});

it.runIf(HAS_PROC)('says what became of the waiting when the daemon goes away', async () => {
  await using folder = await new DaemonFolder().start();
  const waiting = folder.tickwise('trigger', 'gated', '--wait', '--json');
  await folder.file('began');
  folder.daemon?.signal('SIGKILL');
  const ended = await waiting;
  expect([ended.code, oneLine(ended)]).toEqual([3, true]);
  expect(ended.err).toMatch(/the daemon went away while run [0-9a-z-]{24} was live; "tickwise show/);
});
