import { afterAll, describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { marksOf, refusalOf, setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const TASK = '"task": {"shell": "true"}';

type Case = readonly [string, string, ...(readonly [string, RegExp])[]];

/** What is wrong, a text with a mark at each expected place, and the path and words of each problem in their order. */
const CASES: readonly Case[] = [
  ['a missing comma', `{"jobs": {"a": {${TASK} »"paused": true}}}`, ['', /comma is missing/]],
  ['a missing brace', `{"jobs": {"a": {${TASK}}»`, ['', /"}" is missing/]],
  ['single quotes', `{»'jobs': {}}`, ['', /double quotes/]],
  ['a text without end', `{"jobs": {"a": {"task": {"shell": »"true}}}\n}`, ['', /no closing quote/], ['', /./]],
  ['more after the end', `{"jobs": {"a": {${TASK}}}} »}`, ['', /after the end/]],
  ['a comment without end', `{"jobs": {}} »/* and on`, ['', /comment has no end/]],
  ['an empty file', '»', ['', /the file is empty \(expected an object with "jobs"/]],
  ['only a comment', '»// nothing\n', ['', /the file is empty/]],
  ['a list as the root', '»[]', ['', /wrong kind \(got an empty list; expected an object/]],
  ['a number as the root', '»7', ['', /wrong kind \(got 7;/]],
  ['no jobs', '»{}', ['jobs', /missing/]],
  ['jobs in a list', '{"jobs": »[]}', ['jobs', /wrong kind .*by name/]],
  ['an unknown key of the file', `{»"concurency": 4, "jobs": {}}`, ['concurency', /unknown key, did you mean "concurrency"\?/]],
  [
    'an unknown key of a job',
    `{"jobs": {"a": {${TASK}, »"onOverlapp": "skip"}}}`,
    ['jobs.a.onOverlapp', /did you mean "onOverlap"\?/],
  ],
  [
    'an unknown key of no likeness',
    `{"jobs": {"a": {${TASK}, »"zzz": 1}}}`,
    ['jobs.a.zzz', /unknown key \(expected one of schedule, task, budget,/],
  ],
  [
    'an unknown key of a schedule',
    `{"jobs": {"a": {${TASK}, "schedule": {"cron": "@daily", »"timezon": "UTC"}}}}`,
    ['jobs.a.schedule.timezon', /did you mean "timezone"/],
  ],
  [
    'an unknown key of a task',
    `{"jobs": {"a": {"task": {"shell": "true", »"cdw": "."}}}}`,
    ['jobs.a.task.cdw', /did you mean "cwd"/],
  ],
  ['a job that is no object', `{"jobs": {"a": »"true"}}`, ['jobs.a', /wrong kind \(got "true"; expected an object\)/]],
  ['a duplicate key', `{"jobs": {"a": {"paused": true, ${TASK}, »"paused": false}}}`, ['jobs.a.paused', /duplicate key/]],
  ['a duplicate job', `{"jobs": {"a": {${TASK}},\n »"a": {${TASK}}}}`, ['jobs.a', /second job of this name/]],
  ['__proto__', `{"jobs": {"a": {${TASK}, »"__proto__": {"paused": true}}}}`, ['jobs.a.__proto__', /not allowed anywhere/]],
  ['__proto__ as a job', `{"jobs": {»"__proto__": {${TASK}}}}`, ['jobs.__proto__', /not allowed anywhere/]],
  ['constructor as a job', `{"jobs": {»"constructor": {${TASK}}}}`, ['jobs.constructor', /not allowed anywhere/]],
  ['an escaped __proto__', `{»"\\u005f_proto__": 1, "jobs": {}}`, ['__proto__', /not allowed anywhere/]],
  [
    'a bare number as a duration',
    `{"jobs": {"a": {${TASK}, "budget": »30}}}`,
    ['jobs.a.budget', /no unit: write "30s".* \(got 30; expected e\.g\. "250ms"/],
  ],
  [
    'a duration with an unknown unit',
    `{"shutdownGrace": »"5 minutes", "jobs": {}}`,
    ['shutdownGrace', /not a duration \(got "5 minutes"/],
  ],
  ['a budget of 0', `{"jobs": {"a": {${TASK}, "budget": »"0s"}}}`, ['jobs.a.budget', /longer than 0/]],
  ['a duration of ages', `{"jobs": {"a": {${TASK}, "budget": »"99999d"}}}`, ['jobs.a.budget', /longer than a hundred years/]],
  ['30 February', `{"jobs": {"a": {${TASK}, "schedule": »"0 0 30 2 *"}}}`, ['jobs.a.schedule', /never falls due/]],
  ['four fields of cron', `{"jobs": {"a": {${TASK}, "schedule": {"cron": »"* * * *"}}}}`, ['jobs.a.schedule.cron', /4 fields/]],
  [
    'a field out of its range',
    `{"jobs": {"a": {${TASK}, "schedule": ["@daily", »"61 * * * *"]}}}`,
    ['jobs.a.schedule[1]', /minute.*61/],
  ],
  ['a misspelt nickname', `{"jobs": {"a": {${TASK}, "schedule": »"@houry"}}}`, ['jobs.a.schedule', /did you mean "@hourly"/]],
  ['@reboot', `{"jobs": {"a": {${TASK}, "schedule": »"@reboot"}}}`, ['jobs.a.schedule', /no tick at the start/]],
  ['@every without a unit', `{"jobs": {"a": {${TASK}, "schedule": »"@every 90"}}}`, ['jobs.a.schedule', /write "@every 90s"/]],
  ['an empty list of schedules', `{"jobs": {"a": {${TASK}, "schedule": »[]}}}`, ['jobs.a.schedule', /an empty list/]],
  [
    'a number as a schedule',
    `{"jobs": {"a": {${TASK}, "schedule": »5}}}`,
    ['jobs.a.schedule', /wrong kind \(got 5; expected cron/],
  ],
  [
    'two kinds of schedule',
    `{"jobs": {"a": {${TASK}, "schedule": {"cron": "@daily", »"every": "5m"}}}}`,
    ['jobs.a.schedule.every', /two kinds in one schedule: "cron" and "every"/],
  ],
  [
    'a schedule that says nothing',
    `{"jobs": {"a": {${TASK}, "schedule": »{"timezone": "UTC"}}}}`,
    ['jobs.a.schedule', /nothing says when/],
  ],
  [
    'an instant without offset',
    `{"jobs": {"a": {${TASK}, "schedule": »"2030-01-31T09:00"}}}`,
    ['jobs.a.schedule', /add the offset, or Z/],
  ],
  [
    'an instant without a time',
    `{"jobs": {"a": {${TASK}, "schedule": {"at": »"2030-01-31"}}}}`,
    ['jobs.a.schedule.at', /no time of day/],
  ],
  [
    'an instant that does not exist',
    `{"jobs": {"a": {${TASK}, "schedule": {"at": »"2030-02-30T09:00:00Z"}}}}`,
    ['jobs.a.schedule.at', /no such date/],
  ],
  [
    'an unknown zone',
    `{"timezone": »"Europe/Berln", "jobs": {}}`,
    ['timezone', /unknown time zone, did you mean "Europe\/Berlin"\?/],
  ],
  [
    'an unknown zone of a schedule',
    `{"jobs": {"a": {${TASK}, "schedule": {"cron": "@daily", "timezone": »"Mars/Olympus"}}}}`,
    ['jobs.a.schedule.timezone', /unknown time zone \(got "Mars\/Olympus"/],
  ],
  [
    'jitter as long as the gap',
    `{"jobs": {"a": {${TASK}, "schedule": {"cron": "* * * * *", "jitter": »"1m"}}}}`,
    ['jobs.a.schedule.jitter', /not below the shortest gap.*1m/],
  ],
  [
    'startAt after stopAt',
    `{"jobs": {"a": {${TASK}, "schedule": {"every": "5m", "startAt": "2027-01-01T00:00:00Z", "stopAt": »"2026-06-01T00:00:00Z"}}}}`,
    ['jobs.a.schedule.stopAt', /not after startAt/],
  ],
  ['no task', `{"jobs": {»"a": {"schedule": "@daily"}}}`, ['jobs.a.task', /missing.*"module", "command", "shell" and "http"/]],
  ['a task that is a text', `{"jobs": {"a": {"task": »"echo"}}}`, ['jobs.a.task', /wrong kind \(got "echo"/]],
  ['no kind of task', `{"jobs": {"a": {"task": »{"input": 1}}}}`, ['jobs.a.task', /no kind of task/]],
  [
    'a misspelt kind of task',
    `{"jobs": {"a": {"task": {»"comand": ["true"]}}}}`,
    ['jobs.a.task.comand', /did you mean "command"/],
  ],
  [
    'two kinds of task',
    `{"jobs": {"a": {"task": {"shell": "true", »"command": ["true"]}}}}`,
    ['jobs.a.task.command', /two kinds of task in one job: "shell" and "command"/],
  ],
  [
    'a missing module',
    `{"jobs": {"a": {"task": {"module": »"./jobs/nope.ts"}}}}`,
    ['jobs.a.task.module', /does not exist \(got "\.\/jobs\/nope\.ts"/],
  ],
  ['a module that is a folder', `{"jobs": {"a": {"task": {"module": »"./jobs"}}}}`, ['jobs.a.task.module', /not a file/]],
  [
    'a module without ./',
    `{"jobs": {"a": {"task": {"module": »"jobs/work.ts"}}}}`,
    ['jobs.a.task.module', /write "\.\/jobs\/work\.ts"/],
  ],
  [
    'a package that is not installed',
    `{"jobs": {"a": {"task": {"module": »"no-such-package-here"}}}}`,
    ['jobs.a.task.module', /no package of this name/],
  ],
  ['an empty command', `{"jobs": {"a": {"task": {"command": »[]}}}}`, ['jobs.a.task.command', /empty .*list of a program/]],
  ['a program without a name', `{"jobs": {"a": {"task": {"command": [»""]}}}}`, ['jobs.a.task.command[0]', /empty/]],
  [
    'a command that is a text',
    `{"jobs": {"a": {"task": {"command": »"echo hello"}}}}`,
    ['jobs.a.task.command', /wrong kind \(got "echo hello"; expected a list/],
  ],
  [
    'a missing program',
    `{"jobs": {"a": {"task": {"command": [»"./jobs/nope.sh"]}}}}`,
    ['jobs.a.task.command[0]', /does not exist/],
  ],
  [
    'a program that may not be run',
    `{"jobs": {"a": {"task": {"command": [»"./jobs/work.ts"]}}}}`,
    ['jobs.a.task.command[0]', /chmod \+x/],
  ],
  [
    'a reserved name in env',
    `{"jobs": {"a": {"task": {"shell": "true", "env": {»"TICKWISE_JOB": "x"}}}}}`,
    ['jobs.a.task.env.TICKWISE_JOB', /not a legal name/],
  ],
  [
    'isolation of a command',
    `{"jobs": {"a": {${TASK}, »"isolation": "worker"}}}`,
    ['jobs.a.isolation', /always a process of its own/],
  ],
  [
    'a URL that is not http',
    `{"jobs": {"a": {"task": {"http": {"url": »"ftp://example.org/"}}}}}`,
    ['jobs.a.task.http.url', /expected an address that begins with http/],
  ],
  [
    'a URL with a password',
    `{"jobs": {"a": {"task": {"http": {"url": »"https://me:pw@example.org/"}}}}}`,
    ['jobs.a.task.http.url', /user name or password/],
  ],
  [
    'a lower-case method',
    `{"jobs": {"a": {"task": {"http": {"url": "https://example.org/", "method": »"post"}}}}}`,
    ['jobs.a.task.http.method', /did you mean "POST"/],
  ],
  [
    'a bad name of a header',
    `{"jobs": {"a": {"task": {"http": {"url": "https://example.org/", "headers": {»"a b": "x"}}}}}}`,
    ['jobs.a.task.http.headers["a b"]', /not a legal name/],
  ],
  [
    'a header of two lines',
    `{"jobs": {"a": {"task": {"http": {"url": "https://example.org/", "headers": {"a": »"x\\ny: z"}}}}}}`,
    ['jobs.a.task.http.headers.a', /not the value of a header/],
  ],
  [
    'a body of a GET',
    `{"jobs": {"a": {"task": {"http": {"url": "https://example.org/", "method": "GET", »"body": "x"}}}}}`,
    ['jobs.a.task.http.body', /GET request has no body/],
  ],
  [
    'a variable that is not set',
    `{"jobs": {"a": {"task": {"shell": »"echo \${env:NOPE}"}}}}`,
    ['jobs.a.task.shell', /environment variable NOPE is not set/],
  ],
  [
    'a file that does not exist',
    `{"jobs": {"a": {"task": {"shell": »"\${file:nope.txt}"}}}}`,
    ['jobs.a.task.shell', /file nope\.txt does not exist/],
  ],
  ['a reference without end', `{"jobs": {"a": {"task": {"shell": »"\${env:NOPE"}}}}`, ['jobs.a.task.shell', /no closing brace/]],
  [
    'listen on all addresses',
    `{"listen": »"0.0.0.0:4680", "jobs": {}}`,
    ['listen', /needs tokens.* \(got "0\.0\.0\.0:4680"/],
    ['listen', /needs TLS.*behindProxy/],
  ],
  ['listen on all IPv6 addresses', `{"listen": »"[::]:4680", "jobs": {}}`, ['listen', /needs tokens/], ['listen', /needs TLS/]],
  ['listen on a port alone', `{"listen": »"4680", "jobs": {}}`, ['listen', /not an address to listen on/]],
  [
    'listen: true',
    `{"listen": »true, "jobs": {}}`,
    ['listen', /wrong kind \(got true; expected "HOST:PORT", "unix:PATH" or false\)/],
  ],
  [
    'a token of two kinds',
    `{"auth": {"tokens": [»{"name": "a", "scopes": ["read"]}]}, "jobs": {}}`,
    ['auth.tokens[0]', /neither "hash" nor "file"/],
  ],
  ['auth that is no object', `{"auth": »[], "jobs": {}}`, ['auth', /wrong kind \(got an empty list; expected an object/]],
  ['an unknown key of auth', `{"auth": {»"host": []}, "jobs": {}}`, ['auth.host', /unknown key, did you mean "hosts"\?/]],
  [
    'an unknown key of tls',
    `{"auth": {"tls": {"cert": "c", "key": "k", »"keys": "k"}}, "jobs": {}}`,
    ['auth.tls.keys', /did you mean "key"/],
  ],
  ['tls without a key', `{"auth": {»"tls": {"cert": "c"}}, "jobs": {}}`, ['auth.tls.key', /missing.*a path/]],
  [
    'behindProxy as a word',
    `{"auth": {"behindProxy": »"yes"}, "jobs": {}}`,
    ['auth.behindProxy', /got "yes"; expected true or false/],
  ],
  [
    'tls behind a proxy that speaks it',
    `{"auth": {"tls": {"cert": »"c", "key": "k"}, "behindProxy": true}, "jobs": {}}`,
    ['auth.tls.cert', /does not exist \(got "c"/],
    ['auth.tls.key', /does not exist/],
    ['auth.behindProxy', /two that speak TLS/],
  ],
  [
    'a host with its port',
    `{"auth": {"hosts": [»"a.example:80"]}, "jobs": {}}`,
    ['auth.hosts[0]', /has no port \(got "a\.example:80"/],
  ],
  [
    'an unknown scope',
    `{"auth": {"tokens": [{"name": "a", "file": "token.txt", "scopes": [»"amdin"]}]}, "jobs": {}}`,
    ['auth.tokens[0].scopes[0]', /did you mean "admin"/],
  ],
  [
    'a token file that is not there',
    `{"auth": {"tokens": [{"name": "a", "file": »"nope", "scopes": ["read"]}]}, "jobs": {}}`,
    ['auth.tokens[0].file', /does not exist \(got "nope"/],
  ],
  [
    'tokens that are unsound beside a bad key',
    `{"auth": {"tokens": [»{"name": "a", "scopes": "read"}], "tls": {"cert": "c", "key": "k"}}, "jobs": {}}`,
    ['auth.tokens[0]', /neither "hash" nor "file"/],
    ['auth.tokens[0].scopes', /wrong kind/],
    ['auth.tls.cert', /does not exist/],
    ['auth.tls.key', /does not exist/],
  ],
  ['an unknown store', `{"store": »"mysql://localhost", "jobs": {}}`, ['store', /no such store \(got "mysql:/]],
  ['concurrency of 0', `{"concurrency": »0, "jobs": {}}`, ['concurrency', /too small \(got 0; expected a whole number from 1/]],
  ['concurrency of one and a half', `{"concurrency": »1.5, "jobs": {}}`, ['concurrency', /expected a whole number/]],
  [
    'a bad name of a job',
    `{"jobs": {»"Clean Up": {${TASK}}}}`,
    ['jobs["Clean Up"]', /not a name for a job \(got "Clean Up"; expected 1 to 63/],
  ],
  [
    'an unknown policy',
    `{"jobs": {"a": {${TASK}, "onOverlap": »"skpi"}}}`,
    ['jobs.a.onOverlap', /did you mean "skip"\? \(got "skpi"; expected "skip" or "queue" or "cancel"\)/],
  ],
  ['attempts of 0', `{"jobs": {"a": {${TASK}, "retry": {"attempts": »0}}}}`, ['jobs.a.retry.attempts', /too small/]],
  [
    'maxDelay below delay',
    `{"jobs": {"a": {${TASK}, "retry": {"delay": "5s", "maxDelay": »"1s"}}}}`,
    ['jobs.a.retry.maxDelay', /shorter than delay/],
  ],
  ['a rule that tells nobody', `{"notify": [»{"on": ["failed"]}], "jobs": {}}`, ['notify[0]', /nobody to tell/]],
  [
    'an unknown event of a rule',
    `{"notify": [{"on": [»"faild"], "webhook": "https://example.org/"}], "jobs": {}}`,
    ['notify[0].on[0]', /did you mean "failed"/],
  ],
  [
    'a secret that can be guessed',
    `{"notify": [{"on": ["overdue"], "webhook": "https://example.org/", "secret": »"guessme"}], "jobs": {}}`,
    ['notify[0].secret', /^not of the right form \(expected a text of at least 16 characters/],
  ],
  [
    'a secret for a command',
    `{"notify": [{"on": ["timedOut"], "command": ["true"], »"secret": "0123456789abcdef"}], "jobs": {}}`,
    ['notify[0].secret', /nothing to sign/],
  ],
  [
    'a misspelt secret',
    `{"jobs": {"a": {${TASK}, "notify": [{"on": ["failed"], "webhook": "https://example.org/", »"secert": "0123456789abcdef"}]}}}`,
    ['jobs.a.notify[0].secert', /did you mean "secret"/],
  ],
  [
    'an input schema that is no object',
    `{"jobs": {"a": {${TASK}, "inputSchema": »true}}}`,
    ['jobs.a.inputSchema', /got true; expected a JSON Schema/],
  ],
  [
    'a misspelt keyword',
    `{"jobs": {"a": {${TASK}, "inputSchema": {"type": "number", »"minimun": 1}}}}`,
    ['jobs.a.inputSchema.minimun', /not supported, did you mean "minimum"/],
  ],
  [
    'a keyword that is not supported',
    `{"defaults": {"inputSchema": {»"if": {}}}, "jobs": {}}`,
    ['defaults.inputSchema.if', /not supported \(expected \$defs, /],
  ],
  [
    'a credential outside of systemd',
    `{"jobs": {"a": {"task": {"shell": »"\${credential:db}"}}}}`,
    ['jobs.a.task.shell', /\$CREDENTIALS_DIRECTORY is not set; add LoadCredential=db:/],
  ],
  ['a schedule among the defaults', `{"defaults": {»"schedule": "@daily"}, "jobs": {}}`, ['defaults.schedule', /unknown key/]],
  ['a bad default', `{"defaults": {"budget": »5}, "jobs": {"a": {${TASK}}}}`, ['defaults.budget', /write "5s"/]],
  ['null in place of a value', `{"jobs": {"a": {${TASK}, "budget": »null}}}`, ['jobs.a.budget', /not a duration \(got null/]],
  ['a raw control character', `{"jobs": {"a": {"task": {"shell": »"a\tb"}}}}`, ['', /control character/]],
];

describe('a bad configuration is refused with the place and the words', () => {
  test.each(CASES.map(([name, text, ...expected]) => ({ name, text, expected })))('$name', ({ text, expected }) => {
    const problems = bench.problems(text);
    expect(problems.map((problem) => problem.path)).toEqual(expected.map(([path]) => path));
    expect(marksOf(text)[0]).toBe(`${problems[0]?.line}:${problems[0]?.column}`);
    for (const [index, [, words]] of expected.entries()) expect(problems[index]?.message).toMatch(words);
    for (const problem of problems) expect(formatProblem(problem)).not.toMatch(/\n| at .*\.ts:\d|\[object|undefined/);
  });
});

test('reports all that is wrong in one go, in the order of the text', () => {
  const text = `{
  »"concurency": 3,
  "timezone": »"Foo/Bar",
  "listen": »"0.0.0.0:80", "auth": {"behindProxy": true},
  "jobs": {
    "a": {"schedule": »"0 0 30 2 *", "task": {"command": ["true"], »"shell": "true"}, "budget": »30, »"isolation": "inline"},
    "b": {"schedule": {"cron": »"* * *", "timezone": »"Nowhere"}, "task": {"module": »"./nope.ts"}, "onOverlap": »"skp"},
    »"C": {"task": {"shell": »"\${env:NOPE}"}, "grace": »"1 s"},
  },
}`;
  const problems = bench.problems(text);
  expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual(marksOf(text));
});

test('goes on after a missing comma, which leaves no doubt about the rest', () => {
  const problems = bench.problems(`{"jobs": {"a": {${TASK} "budget": 30}}}`);
  expect(problems.map(({ path }) => path)).toEqual(['', 'jobs.a.budget']);
});

test('reports the same mistake in every job that makes it', () => {
  const job = '{"schedule": "61 * * * *", "task": {"module": "./nope.ts"}}';
  const paths = bench.problems(`{"jobs": {"a": ${job}, "b": ${job}}}`).map(({ path }) => path);
  expect(paths).toEqual(['jobs.a.schedule', 'jobs.a.task.module', 'jobs.b.schedule', 'jobs.b.task.module']);
});

test('names the file in each line of the message', () => {
  const error = refusalOf(() => bench.parse('{"a": 1, "b": 2, "jobs": {}}'));
  const lines = error.message.split('\n');
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/scheduler\.config\.json:1:\d+: [ab]: unknown key/);
});

test('says of ten thousand mistakes the first thousand and how many there are', () => {
  const text = `{"jobs": {${Array.from({ length: 10_000 }, (_, index) => `"j${index}": 1`).join(',')}}}`;
  const problems = bench.problems(text);
  expect(problems).toHaveLength(1_001);
  expect(problems.at(-1)?.message).toBe('and 9000 more problems');
});

test.each([
  ['lists', '['.repeat(1_000_000)],
  ['objects', '{"a":'.repeat(200_000)],
  ['closed lists', `{"jobs": ${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
])('says in one line that %s are nested too deeply', (_, text) => {
  const problems = bench.problems(text);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.message).toMatch(/nested too deeply/);
});

test('says in few lines that ten megabytes of noise are no configuration', () => {
  const problems = bench.problems('x'.repeat(10 * 1024 * 1024));
  expect(problems.length).toBeLessThan(3);
});
