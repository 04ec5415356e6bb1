import { copyFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HAS_PROC } from '../e2e/daemon-process.ts';
import { COMMAND, Folder } from './command-line.ts';
import { DaemonFolder, oneLine } from './daemon-folder.ts';

const TLS = new URL('../config/tls/', import.meta.url);
const ALPHA = { name: 'alpha', paused: false, schedules: [], queuedRuns: [] };
const STEERING = ['trigger alpha', 'cancel alpha', 'pause alpha', 'resume alpha', 'why alpha'];

it('says where it looked for a daemon, and exits 3', async () => {
  using folder = new Folder();
  const places: [object, string][] = [
    [{ listen: '127.0.0.1:1' }, 'no daemon listens at http://127.0.0.1:1; start it with "tickwise run"'],
    [{ listen: 'unix:./api.sock' }, `no daemon listens at unix:${folder.dir}/api.sock; start it with "tickwise run"`],
    [{ listen: false }, 'scheduler.config.json: "listen" is false, so its daemon has no API'],
    [{ listen: '127.0.0.1:0' }, 'scheduler.config.json: "listen" leaves the port to chance; name the address by --url'],
  ];
  for (const [settings, told] of places) {
    folder.configure({ ...settings, jobs: { alpha: { task: COMMAND } } });
    expect(await folder.tickwise('trigger', 'alpha')).toEqual({ code: 3, out: '', err: `tickwise: ${told}\n` });
  }
});

it.each(STEERING)('%s exits 3 with one line when no daemon runs', async (line) => {
  using folder = new Folder();
  folder.configure({ listen: 'unix:./api.sock', jobs: { alpha: { task: COMMAND } } });
  const ended = await folder.tickwise(...line.split(' '));
  expect([ended.code, oneLine(ended)]).toEqual([3, true]);
});

it.runIf(HAS_PROC)('speaks over TCP, by --url', async () => {
  await using folder = await new DaemonFolder().start({ listen: '127.0.0.1:0' });
  expect(folder.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const { code, out } = await folder.tickwise('trigger', 'quick', '--wait', '--url', folder.address);
  expect([code, out]).toEqual([0, expect.stringContaining('succeeded')]);
  const tls = await folder.tickwise('why', 'quick', '--url', folder.address.replace('http', 'https'));
  expect([tls.code, oneLine(tls)]).toEqual([3, true]);
});

it.runIf(HAS_PROC)('speaks over TCP, by the configuration', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  await using folder = await new DaemonFolder().start({ listen });
  expect((await folder.tickwise('why', 'ticking')).code).toBe(0);
});

it.runIf(HAS_PROC)('speaks TLS with the daemon of its configuration, and with no other certificate than that', async () => {
  await using folder = new DaemonFolder();
  for (const name of ['cert.pem', 'key.pem']) copyFileSync(new URL(name, TLS), join(folder.dir, name));
  const settings = { listen: `127.0.0.1:${await freePort()}`, auth: { tls: { cert: './cert.pem', key: './key.pem' } } };
  await folder.start(settings);
  expect(folder.address).toMatch(/^https:/);
  expect((await folder.tickwise('why', 'quick')).code).toBe(0);
  const stranger = await folder.tickwise('why', 'quick', '--url', folder.address);
  expect([stranger.code, oneLine(stranger)]).toEqual([3, true]);
  expect(stranger.err).toContain('NODE_EXTRA_CA_CERTS');
  const plain = await folder.tickwise('why', 'quick', '--url', folder.address.replace('https', 'http'));
  expect([plain.code, oneLine(plain)]).toEqual([3, true]);
});

it.runIf(HAS_PROC)(
  'is let in by a token of token new, and is refused with exit status 4 without one or beyond its scopes',
  async () => {
    const { token, ...entry } = await newToken();
    await using folder = await new DaemonFolder().start({ auth: { tokens: [entry] } });
    folder.write('token', `${token}\n`).write('wrong', `${token.slice(0, -1)}!\n`);
    const locked = await folder.tickwise('why', 'quick');
    expect([locked.code, oneLine(locked)]).toEqual([4, true]);
    expect(locked.err).toContain('give a token by --token-file or TICKWISE_TOKEN');
    expect((await folder.tickwise('why', 'quick', '--token-file', 'token')).code).toBe(0);
    expect((await folder.shell('tickwise why quick', { TICKWISE_TOKEN: token })).code).toBe(0);
    const wrong = await folder.tickwise('why', 'quick', '--token-file', 'wrong');
    expect([wrong.code, oneLine(wrong)]).toEqual([4, true]);
    const beyond = await folder.tickwise('trigger', 'quick', '--token-file', 'token');
    expect([beyond.code, oneLine(beyond)]).toEqual([4, true]);
    expect(`${locked.err}${wrong.err}${beyond.err}`).not.toContain(token.slice(3, -1));
    const missing = await folder.tickwise('why', 'quick', '--token-file', 'nowhere');
    expect([missing.code, oneLine(missing)]).toEqual([2, true]);
  },
);

it('token new prints a token, and the line by which the configuration knows it', async () => {
  using folder = new Folder();
  const { code, out } = await folder.tickwise('token', 'new', '--name', 'ci', '--scopes', 'run,read');
  expect(code).toBe(0);
  const [token, line] = out.split('\n');
  expect(token).toMatch(/^tw_[\w-]{43}$/);
  const config = JSON.parse(`{${line}}`) as { auth: { tokens: { hash: string }[] } };
  expect(config).toMatchObject({ auth: { tokens: [{ name: 'ci', scopes: ['read', 'run'] }] } });
  folder.configure({ ...config, jobs: {} });
  expect((await folder.tickwise('validate')).code).toBe(0);
  expect((await folder.tickwise('token', 'new', '--scopes', 'write')).code).toBe(2);
});

it.each([
  ['text/html', '<h1>Welcome</h1>', 200],
  ['text/html', '<h1>Gone</h1>', 404],
  ['application/json', '{"jobs": 7}', 200],
  ['application/json', '{"job": {"name": "alpha"}, "why": "because"}', 200],
  ['application/json', JSON.stringify({ job: { ...ALPHA, state: 'idle\u001b[2J' }, why: [] }), 200],
])('says of %s %s that it is no daemon of its own version', async (type, body, status) => {
  using folder = new Folder();
  await using server = createServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ended = await folder.tickwise('why', 'alpha', '--url', `http://127.0.0.1:${port}`);
  expect([ended.code, oneLine(ended)]).toEqual([1, true]);
  expect(ended.err).toContain('either it is no Tickwise daemon, or one of another version than this program');
});

it('names the version of a daemon that it does not understand', async () => {
  using folder = new Folder();
  await using server = createServer(({ url }, response) => {
    if (url === '/metrics') response.end('# TYPE tickwise_build_info gauge\ntickwise_build_info{version="9.1.0",node="x"} 1\n');
    else response.writeHead(404).end('{"code":"NO_SUCH_PATH","detail":"there is nothing at this path"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ended = await folder.tickwise('why', 'alpha', '--url', `http://127.0.0.1:${port}`);
  expect([ended.code, oneLine(ended)]).toEqual([1, true]);
  expect(ended.err).toMatch(/it does not know \/v1\/jobs\/alpha; it is of version 9\.1\.0, and this program of version \d/);
});

it.each(['ftp://host', 'host:4680', 'http://host/path', 'http://user@host', 'unix:'])('refuses the address %s', async (url) => {
  using folder = new Folder();
  const ended = await folder.tickwise('why', 'alpha', '--url', url);
  expect([ended.code, oneLine(ended)]).toEqual([2, true]);
});

async function newToken(): Promise<{ token: string; name: string; hash: string; scopes: string[] }> {
  using folder = new Folder();
  const { out } = await folder.tickwise('token', 'new', '--json');
  return JSON.parse(out) as Awaited<ReturnType<typeof newToken>>;
}

async function freePort(): Promise<number> {
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
