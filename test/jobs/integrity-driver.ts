/** Drives passes until it is killed: argv is the input, a file for the checkpoint, and after each step a line is written. */
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import IntegrityIndex, { type IntegrityCheckpoint } from '../../config/jobs/integrity-index.ts';
import { contextOf } from './drive.ts';

const [input = '{}', file = ''] = process.argv.slice(2);
const handler = new IntegrityIndex();
let checkpoint = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as IntegrityCheckpoint) : undefined;
for (;;) {
  const step = handler.handleTimeoutTask(contextOf(JSON.parse(input), checkpoint));
  if (step.done) {
    writeSync(1, `${JSON.stringify(step.result)}\n`);
    break;
  }
  checkpoint = step.checkpoint;
  writeFileSync(`${file}.new`, JSON.stringify(checkpoint));
  renameSync(`${file}.new`, file);
  writeSync(1, '.\n');
}
