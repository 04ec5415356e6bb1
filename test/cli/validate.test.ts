import { expect, it } from 'vitest';
import { COMMAND, Folder } from './command-line.ts';

const BAD =
  '{\n  "concurency": 4,\n  "jobs": {\n    "a": { "schedule": "61 * * * *", "task": { "command": ["true"] } }\n  }\n}\n';

it('says that a sound configuration is', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { a: { task: COMMAND }, b: { task: COMMAND } } });
  expect(await folder.tickwise('validate')).toEqual({ code: 0, out: 'ok: 2 jobs in scheduler.config.json\n', err: '' });
});

it('shows every problem with its place, and exits 2', async () => {
  using folder = new Folder();
  folder.write('scheduler.config.json', BAD);

  const { code, out, err } = await folder.tickwise('validate');

  expect(code).toBe(2);
  expect(out).toBe('');
  const lines = err.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^scheduler\.config\.json:2:3: concurency: .*did you mean "concurrency"/);
  expect(lines[1]).toMatch(/^scheduler\.config\.json:4:\d+: jobs\.a\.schedule: /);
});

it('gives programs the problems as JSON', async () => {
  using folder = new Folder();
  folder.write('scheduler.config.json', BAD);
  const { code, out, err } = await folder.tickwise('validate', '--json');
  const answer = JSON.parse(out) as { ok: boolean; problems: { line: number; path: string }[] };
  expect(code).toBe(2);
  expect(err).toBe('');
  expect(answer.ok).toBe(false);
  expect(answer.problems.map(({ line, path }) => [line, path])).toEqual([
    [2, 'concurency'],
    [4, 'jobs.a.schedule'],
  ]);
});

it('gives programs a missing file as JSON', async () => {
  using folder = new Folder();
  const { code, out } = await folder.tickwise('validate', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ file: 'scheduler.config.json' }] });
});

it('prints warnings, and exits 0', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { a: { schedule: '2020-01-01T00:00:00Z', task: COMMAND } } });
  const { code, out, err } = await folder.tickwise('validate');
  expect(code).toBe(0);
  expect(out).toContain('ok: 1 job');
  expect(err).toMatch(/^scheduler\.config\.json:1:\d+: jobs\.a.* \(warning\)\n$/);
});

it('says in one line that there is no configuration', async () => {
  using folder = new Folder();
  const { code, err } = await folder.tickwise('validate');
  expect(code).toBe(2);
  expect(err).toBe('tickwise: scheduler.config.json: there is no such file; "tickwise init" writes an example\n');
});
