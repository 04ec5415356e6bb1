/** `tickwise init`: a small configuration and an example job that run at once. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { complain, EXIT } from './exit.ts';

/**
 * Writes the configuration file and, beside it, `jobs/hello.mjs`. Overwrites nothing.
 *
 * @param path where the configuration shall be
 * @returns 0, or 4 when one of the two is there already
 * @throws the file system's error when a file cannot be written
 */
export function init(path: string): number {
  const folder = dirname(resolve(path));
  const job = join(folder, 'jobs', 'hello.mjs');
  const taken = [resolve(path), job].find((file) => existsSync(file));
  if (taken !== undefined) {
    return complain(
      `${relative('.', taken) || taken}: it is there already, and nothing was written; remove it, or name another file by --config`,
      EXIT.refused,
    );
  }
  try {
    mkdirSync(dirname(job), { recursive: true });
    writeFileSync(job, EXAMPLE_JOB, { flag: 'wx' });
    writeFileSync(path, exampleConfig(schemaPath(folder)), { flag: 'wx' });
  } catch (thrown) {
    return complain(
      `${folder}: it cannot be written (${String((thrown as { code?: unknown }).code)}); choose another folder by --config`,
      EXIT.failed,
    );
  }
  const isDefault = basename(path) === 'scheduler.config.json' && resolve(path) === resolve('scheduler.config.json');
  console.log(`wrote ${path} and ${relative('.', job)}`);
  console.log(`next: tickwise run${isDefault ? '' : ` --config ${path}`}`);
  return EXIT.ok;
}

/** The schema of the installed package where there is one, since that path stays when the package is updated; else of this copy. */
function schemaPath(folder: string): string {
  const installed = join(folder, 'node_modules', 'tickwise', 'config', 'scheduler.schema.json');
  const own = fileURLToPath(new URL('../../config/scheduler.schema.json', import.meta.url));
  const path = relative(folder, existsSync(installed) ? installed : own)
    .split(sep)
    .join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function exampleConfig(schema: string): string {
  return `// The jobs of this folder. "tickwise validate" checks this file; "tickwise next" says when its jobs fall due.
{
  "$schema": ${JSON.stringify(schema)},

  // The ledger: every tick, every run, every checkpoint. Paths are relative to this file.
  "store": "sqlite:./var/tickwise.db",

  "jobs": {
    // Step-wise work: it goes on from its checkpoint, run after run.
    "hello": {
      "schedule": "@every 5s", // or cron: "0 3 * * *", with seconds: "30 0 3 * * *"
      "task": { "module": "./jobs/hello.mjs", "input": { "upTo": 10 } },
      "budget": "2s"
    },

    // Any program: exit status 0 is done, 75 is "more to do, call me again".
    "date": {
      "schedule": "@every 10s",
      "task": { "command": ["date"] }
    }
  }
}
`;
}

const EXAMPLE_JOB = `import { setTimeout as delay } from 'node:timers/promises';

/** Counts, one number a step. When the budget is spent the run ends, and the next one goes on from the checkpoint. */
export default {
  /** @param {import('tickwise').TaskContext<number, { upTo: number }>} context */
  async handleTimeoutTask(context) {
    const count = (context.checkpoint ?? 0) + 1;
    await delay(300); // one small piece of real work
    context.log.info(\`hello, number \${count}\`);
    const done = count >= context.input.upTo;
    return { done, checkpoint: done ? undefined : count, progress: { completed: count, total: context.input.upTo } };
  },
};
`;
