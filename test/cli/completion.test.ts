import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { COMMAND, type Ended, Folder } from './command-line.ts';

function setup(): Folder {
  return new Folder()
    .configure({ jobs: { 'nightly-report': { task: COMMAND }, 'nightly-backup': { task: COMMAND }, hourly: { task: COMMAND } } })
    .write('other.json', JSON.stringify({ jobs: { elsewhere: { task: COMMAND } } }));
}

/** Completes a line as bash does when Tab is pressed at its end. @returns what is offered */
async function completeInBash(folder: Folder, line: string): Promise<string[]> {
  const words = line.split(' ');
  const { out, err, code } = await folder.bash(
    `source <(tickwise completion bash)
     COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
     _tickwise && printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
  expect([code, err]).toEqual([0, '']);
  return out.split('\n').filter((offered) => offered !== '');
}

it.each([
  ['tickwise tri', ['trigger']],
  ['tickwise r', ['run', 'runs', 'resume']],
  ['tickwise trigger nig', ['nightly-report', 'nightly-backup']],
  ['tickwise trigger --wait ', ['nightly-report', 'nightly-backup', 'hourly']],
  ['tickwise trigger --budget 5m h', ['hourly']],
  ['tickwise cancel h', ['hourly']],
  ['tickwise trigger --config other.json ', ['elsewhere']],
  ['tickwise trigger --bud', ['--budget']],
  ['tickwise --ver', ['--version']],
  ['tickwise runs --state k', ['killed']],
  ['tickwise validate --config oth', ['other.json']],
  ['tickwise validate ', []],
  ['tickwise show ', []],
  ['tickwise trigger --input ', []],
  ['tickwise token ', ['new']],
  ['tickwise token new --sc', ['--scopes']],
  ['tickwise completion ', ['bash', 'zsh', 'fish']],
])('completes "%s" in bash', async (line, offered) => {
  using folder = setup();
  expect(await completeInBash(folder, line)).toEqual(offered);
});

it('offers no job, and says nothing, where there is no configuration', async () => {
  using folder = new Folder();
  expect(await completeInBash(folder, 'tickwise trigger ')).toEqual([]);
});

it.each(['bash', 'zsh', 'fish'])('writes a script for %s that names every command and option', async (shell) => {
  using folder = new Folder();
  const { out, err, code } = await folder.tickwise('completion', shell);
  expect([code, err]).toEqual([0, '']);
  const help = (await folder.tickwise('--help')).out;
  const names = [...help.matchAll(/^ {2}([a-z]+)\b.* {2}/gm)].map(([, name]) => name ?? '').filter((name) => name !== 'help');
  expect(names.length).toBeGreaterThan(15);
  for (const name of [...names, 'idempotency-key', 'token-file', 'follow']) expect(out).toContain(name);
});

it.each(['zsh', 'fish'].filter(isInstalled))('writes a script that %s can read', async (shell) => {
  using folder = new Folder();
  const { err, code } = await folder.bash(`tickwise completion ${shell} > script && ${shell} -n script`);
  expect([code, err]).toEqual([0, '']);
});

it('knows no other shell', async () => {
  using folder = new Folder();
  const { code, err } = await folder.tickwise('completion', 'tcsh');
  expect(code).toBe(2);
  expect(err).toContain('Allowed choices are bash, zsh, fish');
});

it('lists the names of the jobs and nothing else', async () => {
  using folder = setup();
  const expected: Ended = { code: 0, out: 'nightly-report\nnightly-backup\nhourly\n', err: '' };
  expect(await folder.tickwise('list', '--names')).toEqual(expected);
});

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
