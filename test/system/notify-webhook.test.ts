import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createSystemClock } from '../../src/system/clock.ts';
import { createNotifier } from '../../src/system/notify.ts';
import { webhookHeaders } from '../../src/system/notify-webhook.ts';
import { draftTo, FakeOutbox, jobWith, LineLog, type Received, ruleTo, startReceiver } from './notify-setup.ts';

const TEXT = readFileSync('docs/notifications.md', 'utf8');
const SECRETS = ['a secret of a rule', `whsec_${Buffer.from('thirty-two bytes, or nearly so').toString('base64')}`];

type Verify = (secret: string, headers: Readonly<Record<string, unknown>>, body: string) => boolean;

function block(language: string): string {
  const code = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(TEXT)?.[1];
  if (code === undefined) throw new Error(`the document shows no ${language}`);
  return code;
}

async function nodeVerifier(): Promise<{ readonly verify: Verify }> {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  try {
    writeFileSync(join(folder, 'verify.mjs'), block('js'));
    return (await import(pathToFileURL(join(folder, 'verify.mjs')).href)) as { readonly verify: Verify };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a receiver gets for a rule with this secret. */
async function receive(secret: string): Promise<Received> {
  await using receiver = await startReceiver();
  const rule = ruleTo(receiver.url, { secret });
  const outbox = new FakeOutbox();
  await outbox.enqueue([draftTo(rule, { body: '{"job":"büro"}' })], Date.now());
  const jobs = [jobWith('report', { notify: [rule] })];
  await using _ = createNotifier({ outbox, jobs: () => jobs, clock: createSystemClock(), log: new LineLog(), env: {} });
  await receiver.waitFor(1);
  const [first] = receiver.received;
  if (first === undefined) throw new Error('nothing came');
  return first;
}

test('the signature is the one of the example in the standard', () => {
  // https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = webhookHeaders(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}');
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test.each(SECRETS)(
  'the document’s verification in Node takes what is sent with %s, and nothing that was changed',
  async (secret) => {
    const { verify } = await nodeVerifier();
    const { headers, body } = await receive(secret);
    expect(verify(secret, headers, body)).toBe(true);
    expect(verify(secret, headers, `${body} `)).toBe(false);
    expect(verify('another secret', headers, body)).toBe(false);
    expect(verify(secret, { ...headers, 'webhook-id': 'another' }, body)).toBe(false);
    expect(verify(secret, { ...headers, 'webhook-timestamp': '1614265330' }, body)).toBe(false);
    expect(verify(secret, { ...headers, 'webhook-signature': undefined }, body)).toBe(false);
  },
);

const hasPython = spawnSync('python3', ['--version']).status === 0;

test.runIf(hasPython).each(SECRETS)('the document’s verification in Python takes what is sent with %s', async (secret) => {
  const { headers, body } = await receive(secret);
  const script = `${block('python')}\nimport json, sys\nasked = json.load(sys.stdin)\nprint(verify(**asked), verify(**{**asked, "body": "x"}))\n`;
  const { stdout } = spawnSync('python3', ['-c', script], { input: JSON.stringify({ secret, headers, body }), encoding: 'utf8' });
  expect(stdout.trim()).toBe('True False');
});
