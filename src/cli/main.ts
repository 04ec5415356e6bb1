#!/usr/bin/env node
/** The program `tickwise`. What needs no other module comes first: `--version` costs little more than starting Node. */
import { readFileSync } from 'node:fs';
// By default import: a name that an older Node lacks would end it with a stack trace, before the line that says what to do.
import nodeModule from 'node:module';

const OLDEST_NODE = [24, 15] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  console.error(
    `tickwise: Node ${process.versions.node} is too old; install Node ${OLDEST_NODE.join('.')} or newer (npm scripts of the repository bring their own: use "npm start")`,
  );
  process.exit(2);
}

const [, , first] = process.argv;
if (first === '--version' || first === '-V') {
  console.log(version());
} else {
  nodeModule.enableCompileCache();
  const { runProgram } = await import('./program.ts');
  await runProgram(process.argv.slice(2), version());
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
