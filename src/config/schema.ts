/**
 * The shape of `scheduler.config.json`, with every default. It is shape only: what needs a calendar, the file system or a
 * second field is checked where the raw value becomes a core value (`schedule.ts`, `task.ts`, `job.ts`, `settings.ts`).
 * No transforms, so the checked input is the value itself and no copy is kept.
 */
import { z } from 'zod';
import { ISOLATIONS, JOB_DEFAULTS, JOB_NAME, MISSED_POLICIES, OVERLAP_POLICIES } from '../core/job.ts';
import { NOTIFY_EVENTS } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import { between, described, duration, list, oneOf, says, strict, text, whole } from './check.ts';

/** Defaults of what is not a job's, and of a retry policy whose fields are left out. */
export const DEFAULTS: {
  readonly store: string;
  readonly concurrency: number;
  readonly listen: string;
  readonly logLevel: 'info';
  readonly logFormat: 'auto';
  readonly logMaxSize: string;
  readonly logMaxFiles: number;
  readonly shutdownGrace: string;
  readonly retry: {
    readonly attempts: number;
    readonly delay: string;
    readonly factor: number;
    readonly maxDelay: string;
    readonly jitter: number;
  };
} = {
  store: 'sqlite:./var/tickwise.db',
  concurrency: 16,
  listen: '127.0.0.1:4680',
  logLevel: 'info',
  logFormat: 'auto',
  logMaxSize: '10MiB',
  logMaxFiles: 5,
  shutdownGrace: '25s',
  /** Three attempts in all, 1 s and 2 s apart, each delay up to a fifth shorter by chance. */
  retry: { attempts: 3, delay: '1s', factor: 2, maxDelay: '1m', jitter: 0.2 },
};

const NAME_EXPECTED = '1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit';
const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const flag = z.boolean(says('true or false'));
const httpUrl = text('an address that begins with http:// or https://', /^https?:\/\/[^\s]+$/i);
const words = z.record(z.string(), z.string(says('a text')), says('an object of texts'));
const commandLine = list(z.string(says('a text')), 'a list of a program and its arguments, e.g. ["/bin/echo", "hello"]', 1);
const instant = text('an instant with its offset, e.g. "2030-01-31T09:00:00Z"');
const zone = text('an IANA zone such as "Europe/Berlin"');

const scheduleShape = {
  cron: described(
    text('a cron pattern'),
    'Cron with 5, 6 (seconds first) or 7 (year last) fields, or a nickname such as @hourly.',
  ),
  every: described(duration('above 0'), 'A tick at each multiple of this duration since the epoch.'),
  at: described(instant, 'One tick, at this instant.'),
  timezone: described(zone, 'IANA zone of the cron pattern.'),
  jitter: described(duration('from 0'), 'Moves each tick by a hash of job and tick, by less than this.'),
  startAt: described(instant, 'No tick before this instant.'),
  stopAt: described(instant, 'No tick at or after this instant.'),
};

/** A schedule written as an object. */
export const scheduleObjectSchema: z.ZodType = strict(scheduleShape);
const scheduleText = text('cron, "@hourly", "@every 90s", or an instant such as "2030-01-31T09:00:00Z"');
const scheduleSchema = z.union([
  scheduleText,
  scheduleObjectSchema,
  z.array(z.union([scheduleText, scheduleObjectSchema])).min(1),
]);

const place = {
  cwd: described(text('a path'), 'Working directory; the folder of this file unless given.'),
  env: described(words, 'Environment beside PATH, HOME, LANG and TZ.'),
};

/** The four kinds of task; the key that names the kind is the key of the schema. */
export const TASK_SCHEMAS: Readonly<Record<'module' | 'command' | 'shell' | 'http', z.ZodType>> = {
  module: strict({
    module: text('a path such as "./jobs/work.ts", or the name of a package').describe('Path (./ or absolute) or package.'),
    export: described(text('the name of an export'), 'Which export.', 'default'),
    input: z.unknown().optional().describe('Any JSON; what the steps find as context.input.'),
  }),
  command: strict({ command: commandLine.describe('A program and its arguments. Exit 0: done; 75: more to do.'), ...place }),
  shell: strict({ shell: text('a line for /bin/sh').describe('A line for /bin/sh -c.'), ...place }),
  http: strict({
    http: strict({
      url: httpUrl,
      method: described(oneOf(HTTP_METHODS), 'GET, or POST if there is a body.'),
      headers: described(words, 'Request headers.'),
      body: described(z.string(says('a text')), 'Request body.'),
    }),
  }),
};
const taskSchema = z.union([TASK_SCHEMAS.module, TASK_SCHEMAS.command, TASK_SCHEMAS.shell, TASK_SCHEMAS.http]);

const notifyRule = strict({
  on: list(oneOf(NOTIFY_EVENTS), `a list of ${NOTIFY_EVENTS.join(', ')}`, 1),
  webhook: described(httpUrl, 'Address to POST to.'),
  secret: described(
    text('a text of at least 16 characters, e.g. "${file:./webhook.secret}"', /^[^]{16,}$/),
    'Key of the HMAC that signs what the webhook is told.',
  ),
  command: described(commandLine, 'Program to run.'),
});
const notify = list(notifyRule, 'a list of {on, webhook or command}');
const inputSchema = z.record(z.string(), z.unknown(), says('a JSON Schema, e.g. {"type": "object"}'));
const history = strict({
  maxRunsPerJob: described(whole(1, 1e9), 'Runs kept for each job.', JOB_DEFAULTS.history.maxRunsPerJob),
  maxAge: described(duration('above 0'), 'How long a run is kept.', formatDuration(JOB_DEFAULTS.history.maxAgeMs)),
});
const retry = strict({
  attempts: described(whole(1, 1_000), 'Attempts in all, the first included.', DEFAULTS.retry.attempts),
  delay: described(duration('from 0'), 'Before the second attempt.', DEFAULTS.retry.delay),
  factor: described(between(1, 100), 'Each further delay is this many times the one before.', DEFAULTS.retry.factor),
  maxDelay: described(duration('from 0'), 'No delay is longer.', DEFAULTS.retry.maxDelay),
  jitter: described(between(0, 1), 'Share of a delay that is left to chance.', DEFAULTS.retry.jitter),
});

const policyShape = {
  budget: described(
    duration('above 0'),
    'How long a run may go on starting steps. Unless given: the shortest gap between its ticks, less grace, less the smaller of 1 s and a tenth of the gap; 1 h without a schedule.',
  ),
  grace: described(
    duration('from 0'),
    'From the request to stop to the stop by force. Unless given: the smaller of 5 s and a tenth of the gap.',
  ),
  stepTimeout: described(duration('above 0'), 'A step that takes longer stops the run.'),
  onOverlap: described(oneOf(OVERLAP_POLICIES), 'What becomes of a tick that finds a live run.', JOB_DEFAULTS.onOverlap),
  onMissed: described(oneOf(MISSED_POLICIES), 'What becomes of ticks missed while no node was up.', JOB_DEFAULTS.onMissed),
  missedWindow: described(
    duration('from 0'),
    'Older ticks are recorded as missed and not run.',
    formatDuration(JOB_DEFAULTS.missedWindowMs),
  ),
  missedLimit: described(whole(1, 10_000), 'At most so many ticks are caught up by onMissed: all.', JOB_DEFAULTS.missedLimit),
  isolation: described(oneOf(ISOLATIONS), 'Where the steps of a module run.', JOB_DEFAULTS.isolation),
  exclusive: described(
    list(text('the name of a resource', /^[^\s\p{Cc}]{1,128}$/u), 'a list of names'),
    'Two runs that share a name are never live together.',
  ),
  priority: described(whole(-1_000_000, 1_000_000), 'Higher first when concurrency is full.', JOB_DEFAULTS.priority),
  retry: described(retry, 'When a failed attempt is repeated, inside the budget.'),
  paused: described(flag, 'Ticks are skipped until it is resumed.', JOB_DEFAULTS.paused),
  ping: described(httpUrl, 'Healthchecks-style address that is told of starts and ends.'),
  notify: described(notify, 'Whom to tell of which outcomes.'),
  history: described(history, 'What the ledger keeps.'),
  inputSchema: described(inputSchema, 'JSON Schema that the input of a trigger must satisfy; unless given, any JSON may come.'),
  description: described(z.string(says('a text')), 'Free text.'),
  labels: described(words, 'Free key-values.'),
  nodeSelector: described(words, 'Run only on nodes whose labels match.'),
};

/** `defaults`: any field of a job but schedule and task. */
export const policySchema: z.ZodType = strict(policyShape);
/** A job, its schedule and task left to the readers that know their kinds. */
export const jobSchema: z.ZodType = strict({ schedule: z.unknown().optional(), task: z.unknown().optional(), ...policyShape });
const wholeJobSchema = strict({
  schedule: described(scheduleSchema, 'When it falls due; unless given, it runs only when triggered.'),
  task: taskSchema,
  ...policyShape,
});

/** The name of a job, as a key of `jobs`. */
export const jobNameSchema: z.ZodType = text(NAME_EXPECTED, JOB_NAME);

/** One token of `auth`. */
export const tokenSchema: z.ZodType = strict({
  name: text(NAME_EXPECTED, JOB_NAME),
  hash: described(text('"sha256:" and 64 hexadecimal digits', /^sha256:[0-9a-f]{64}$/), 'SHA-256 of the token.'),
  file: described(text('a path'), 'File that holds the token and nothing else.'),
  scopes: list(oneOf(['read', 'run', 'admin'] as const), 'a list of read, run, admin', 1),
});
/** `auth`: who may use the API, and how it is reached. */
export const authSchema: z.ZodType = strict({
  tokens: described(list(tokenSchema, 'a list of {name, hash or file, scopes}', 1), 'Who may use the API, and for what.'),
  tls: described(
    strict({
      cert: text('a path').describe('PEM file of the certificate, and of those between it and the root.'),
      key: text('a path').describe('PEM file of its private key.'),
    }),
    'The API speaks TLS.',
  ),
  behindProxy: described(flag, 'A proxy in front speaks TLS, so that the API need not.', false),
  hosts: described(
    list(text('the name of a host, e.g. "cron.example.org"'), 'a list of names of hosts'),
    'Further names under which the API is reached.',
  ),
});
const settingsShape = {
  $schema: described(z.string(says('a path or address')), 'The schema of this file, for editors.'),
  timezone: described(zone, 'IANA zone of schedules that name none; unless given, the zone of this machine.'),
  store: described(text('"sqlite:PATH", "postgres://…" or "memory:"'), 'Where the ledger is kept.', DEFAULTS.store),
  concurrency: described(whole(1, 10_000), 'Runs live at once on this node.', DEFAULTS.concurrency),
  listen: described(
    z.union([z.string(), z.literal(false)], says('"HOST:PORT", "unix:PATH" or false')),
    'Where the API listens.',
    DEFAULTS.listen,
  ),
  auth: described(authSchema, 'Who may use the API, and how it is reached.'),
  log: described(
    strict({
      level: described(
        oneOf(['debug', 'info', 'warn', 'error'] as const),
        'The least weighty lines that are written.',
        DEFAULTS.logLevel,
      ),
      format: described(oneOf(['pretty', 'json', 'auto'] as const), 'auto: pretty on a terminal, else JSON.', DEFAULTS.logFormat),
      file: described(
        strict({
          path: text('a path'),
          maxSize: described(
            text('a size such as "10MiB"', /^[1-9]\d{0,8}(B|kB|KiB|MB|MiB|GB|GiB)$/),
            'A new file is begun at this size.',
            DEFAULTS.logMaxSize,
          ),
          maxFiles: described(whole(1, 1_000), 'How many files are kept.', DEFAULTS.logMaxFiles),
        }),
        'Also write to a file.',
      ),
    }),
    'What is logged, and how.',
  ),
  shutdownGrace: described(
    duration('from 0'),
    'On SIGTERM: how long live runs may go on before they are stopped.',
    DEFAULTS.shutdownGrace,
  ),
  history: described(history, 'What the ledger keeps of each job.'),
  notify: described(notify, 'Whom to tell of which outcomes, for all jobs.'),
  labels: described(words, 'Key-values of this node, which a nodeSelector asks for.'),
};

/** The whole file but for its jobs and their defaults, which are checked one by one. */
export const settingsSchema: z.ZodType = strict({
  ...settingsShape,
  auth: z.unknown().optional(),
  defaults: z.unknown().optional(),
  jobs: z.unknown().optional(),
});
/** The whole file: what editors are told, and nothing else is checked against. */
const fileSchema = strict({
  ...settingsShape,
  defaults: described(policySchema, 'Any field of a job but schedule and task, for jobs that do not say.'),
  jobs: z.record(z.string().regex(JOB_NAME), wholeJobSchema).meta({ description: 'The jobs by name.' }),
});

/** @returns the JSON schema of `scheduler.config.json`, draft 7: the newest that editors support in full; made anew at each call */
export function jsonSchema(): Record<string, unknown> {
  return {
    title: 'Configuration of Tickwise',
    ...z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-07', reused: 'ref' }),
  };
}
