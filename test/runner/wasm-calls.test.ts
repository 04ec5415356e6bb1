import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { createWorkerRunner } from '../../src/runner/worker.ts';
import { clock } from './setup.ts';

const CHURN = fileURLToPath(new URL('./fixtures/wasm-churn.ts', import.meta.url));

it('forbids V8 to share code for calls out of WebAssembly before the first thread starts', async () => {
  await using _runner = createWorkerRunner({ clock, concurrency: 1 });
  // The tag is a hash of V8's flags: setting what is set leaves it, and any other value changes it.
  const tag = cachedDataVersionTag();
  setFlagsFromString('--wasm-wrapper-tiering-budget=2147483647');
  expect(cachedDataVersionTag()).toBe(tag);
  setFlagsFromString('--wasm-wrapper-tiering-budget=1000');
  expect(cachedDataVersionTag()).not.toBe(tag);
});

it('keeps the process alive while threads that call out of WebAssembly come and go', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CHURN, '100']);
  expect(stdout).toBe('alive\n');
});
