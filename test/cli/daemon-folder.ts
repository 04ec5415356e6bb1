/** A folder with a daemon that runs in it, for the commands that ask one. */
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonProcess, until } from '../e2e/daemon-process.ts';
import { type Ended, Folder } from './command-line.ts';

/** Jobs that wait for a file, so that a test decides when they end. */
export const JOBS: Readonly<Record<string, object>> = {
  quick: { task: { shell: 'echo hello; echo oops >&2; printf \'{"files":3}\' > "$TICKWISE_RESULT_FILE"' } },
  failing: { task: { shell: 'echo bad; exit 9' } },
  gated: { task: { shell: 'echo waiting; : > began; while [ ! -e go ]; do sleep 0.02; done; echo going' }, grace: '1s' },
  steps: { task: { module: './steps.mjs' }, isolation: 'inline', budget: '10s' },
  endless: { task: { module: './endless.mjs' }, isolation: 'inline', budget: '10s' },
  ticking: { schedule: '@hourly', task: { command: ['true'] }, description: 'on the hour' },
};

const STEPS = `import { existsSync, writeFileSync } from 'node:fs';
const here = (name) => new URL(name, import.meta.url);
export default {
  async handleTimeoutTask(context) {
    const page = (context.checkpoint ?? 0) + 1;
    if (page === 3) writeFileSync(here('third'), '');
    while (page === 3 && !existsSync(here('go'))) await context.sleep(20);
    context.log.info('page ' + page, { page });
    return { done: page === (context.input?.pages ?? 4), checkpoint: page, progress: { completed: page, total: 4 }, result: { page } };
  },
};
`;

/** Its steps end in good order, whenever they are asked to. */
const ENDLESS = `import { setTimeout as delay } from 'node:timers/promises';
export default { handleTimeoutTask: async (context) => (await delay(5), { done: false, checkpoint: context.step }) };
`;

/** Commands are run in it; the daemon ends with it. */
export class DaemonFolder extends Folder implements AsyncDisposable {
  daemon: DaemonProcess | undefined;

  /** Writes the configuration, and waits until its daemon is up. */
  async start(config: object = {}): Promise<this> {
    this.write('steps.mjs', STEPS)
      .write('endless.mjs', ENDLESS)
      .configure({ listen: 'unix:./api.sock', jobs: JOBS, ...config });
    this.daemon = new DaemonProcess(join(this.dir, 'scheduler.config.json'), this.dir);
    await this.daemon.line((line) => line.message.endsWith(' is up'));
    return this;
  }

  /** Where the daemon says that its API listens. */
  get address(): string {
    const line = this.daemon?.lines.find(({ message }) => message.endsWith(' is up'));
    return String(line?.['api']);
  }

  async stop(): Promise<void> {
    this.daemon?.signal('SIGTERM');
    await this.daemon?.exited;
  }

  /** What a command prints by `--json`. */
  async json<Shape>(...args: string[]): Promise<Shape> {
    const { out, err, code } = await this.tickwise(...args, '--json');
    if (code !== 0) throw new Error(`tickwise ${args.join(' ')} exits ${code}: ${err}`);
    return JSON.parse(out) as Shape;
  }

  /** Submits a run. @returns its id */
  async trigger(job: string, ...options: string[]): Promise<string> {
    return (await this.json<{ runId: string }>('trigger', job, ...options)).runId;
  }

  /** Waits for a file that a job makes. */
  async file(name: string): Promise<string> {
    const path = join(this.dir, name);
    return until(() => (existsSync(path) ? readFileSync(path, 'utf8') : undefined), `${name} is there`);
  }

  /** Lets the jobs end that wait. */
  go(): void {
    writeFileSync(join(this.dir, 'go'), '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.go();
    this.daemon?.signal('SIGKILL');
    await this.daemon?.exited;
    // What the daemon has left behind looks for a file in this folder, and would look for ever.
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) if (isIn(this.dir, pid)) kill(Number(pid));
    this[Symbol.dispose]();
  }
}

function isIn(folder: string, pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** One line on standard error, and nothing on standard output. */
export function oneLine({ out, err }: Ended): boolean {
  return out === '' && /^tickwise: [^\n]+\n$/.test(err);
}
