import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMMAND, Folder } from './command-line.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
const COMMANDS = [
  'run',
  'validate',
  'next',
  'init',
  'list',
  'runs',
  'show',
  'logs',
  'trigger',
  'cancel',
  'pause',
  'resume',
  'why',
];
const MORE_COMMANDS = ['checkpoint', 'verify', 'backup'];
/** They read no configuration. */
const SET_UP_COMMANDS = ['token new', 'completion'];

it('says its version', async () => {
  using folder = new Folder();
  expect(await folder.tickwise('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  expect(await folder.tickwise('-V')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

it('lists the commands, and shows an example of each', async () => {
  using folder = new Folder();
  const { code, out } = await folder.tickwise('--help');
  expect(code).toBe(0);
  const commands = [...COMMANDS, ...MORE_COMMANDS, ...SET_UP_COMMANDS];
  const helps = await Promise.all(commands.map((command) => folder.tickwise(...command.split(' '), '--help')));
  for (const [place, help] of helps.entries()) {
    const command = commands[place] ?? '';
    expect(out).toMatch(new RegExp(`^  ${command.split(' ')[0]}\\b`, 'm'));
    expect(help.code).toBe(0);
    expect(help.out).toMatch(new RegExp(`Examples?:\n  \\$ .*tickwise ${command}`));
    if (!SET_UP_COMMANDS.includes(command)) expect(help.out).toContain('--config <file>');
  }
});

it('shows the commands and exits 2 when it is given none', async () => {
  using folder = new Folder();
  const { code, out, err } = await folder.tickwise();
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain('Commands:');
});

it.each([
  ['lst', "tickwise: unknown command 'lst' (Did you mean list?)"],
  ['list --jsn', "tickwise: unknown option '--jsn' (Did you mean --json?)"],
  ['list one', 'tickwise: too many arguments'],
  ['show', "tickwise: missing required argument 'run'"],
  ['next -n none', 'Expected a whole number'],
  ['next --from 2026-02-30', 'Expected an instant'],
  ['next --config', 'argument missing'],
  ['runs --state faild', 'Did you mean failed?'],
])('answers "%s" with one line and exit status 2', async (line, told) => {
  using folder = new Folder();
  const { code, out, err } = await folder.tickwise(...line.split(' '));
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(err).toContain(told);
});

it('takes the configuration from --config before TICKWISE_CONFIG', async () => {
  using folder = new Folder();
  const config = JSON.stringify({ jobs: { one: { task: COMMAND } } });
  folder.write('a.json', config).write('b.json', config);
  expect((await folder.shell('tickwise validate', { TICKWISE_CONFIG: 'a.json' })).out).toBe('ok: 1 job in a.json\n');
  expect((await folder.shell('tickwise validate --config b.json', { TICKWISE_CONFIG: 'a.json' })).out).toBe(
    'ok: 1 job in b.json\n',
  );
});

it('is quiet when its reader has had enough', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { one: { schedule: '@every 1s', task: COMMAND } } });
  const { code, out, err } = await folder.shell('{ tickwise next -n 20000; echo "exit $?" >&2; } | head -n 1');
  expect(code).toBe(0);
  expect(out).toMatch(/^JOB .*\n$/);
  expect(err).toBe('exit 0\n');
});

it('uses colour when it is forced to, and never with NO_COLOR or into a file', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { one: { schedule: '@every 1s', paused: true, task: COMMAND } } });
  const escape = '\u001b[';
  expect((await folder.shell('tickwise list')).out).not.toContain(escape);
  expect((await folder.shell('tickwise list', { FORCE_COLOR: '1' })).out).toContain(escape);
  expect((await folder.shell('tickwise list', { NO_COLOR: '1' })).out).not.toContain(escape);
});
