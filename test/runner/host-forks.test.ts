import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { ForkWatch } from '../../src/runner/host-forks.ts';

/** A shell that does what it is told, line by line, and answers `ok`. */
function setup(): { watch: ForkWatch; tell: (line: string) => Promise<void> } {
  const shell: ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream } = spawn('sh', [], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void shell.kill('SIGKILL'));
  return {
    watch: new ForkWatch(shell.pid ?? 0),
    async tell(line) {
      shell.stdin.write(`${line}\necho ok\n`);
      await once(shell.stdout, 'data');
    },
  };
}

it('says childless while nothing was forked', async () => {
  const { watch, tell } = setup();
  await tell(':');
  expect(watch.isChildless()).toBe(true);
});

it('sees a child that is alive', async () => {
  const { watch, tell } = setup();
  await tell('sleep 600 & child=$!');
  expect(watch.isChildless()).toBe(false);
  await tell('kill $child; wait $child');
});

it('remembers a child that has come and gone, and with it whatever that may have left, until it is acknowledged', async () => {
  const { watch, tell } = setup();
  await tell('(exit 0)');
  expect(watch.isChildless()).toBe(false);
  watch.acknowledge();
  expect(watch.isChildless()).toBe(true);
  await tell('(exit 0)');
  expect(watch.isChildless()).toBe(false);
});

it('does not say childless of a process that is gone', () => {
  expect(new ForkWatch(2 ** 30).isChildless()).toBe(false);
});
