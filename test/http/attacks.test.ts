/**
 * Attacks on the API. Each is sent with the strongest token unless it is about tokens, so that the lack of one is never what stops it;
 * after each the ledger must be what it was, and the daemon must answer.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Attack } from './attacks/attack.ts';
import { BODY_ATTACKS } from './attacks/body.ts';
import { BROWSER_ATTACKS } from './attacks/browser.ts';
import { BYTES_ATTACKS } from './attacks/bytes.ts';
import { PATH_ATTACKS } from './attacks/path.ts';
import { signed, startTarget, type Target } from './attacks/target.ts';
import { TOKEN_ATTACKS } from './attacks/token.ts';
import { requestText, speak } from './wire.ts';

const ATTACKS: readonly Attack[] = [...BROWSER_ATTACKS, ...PATH_ATTACKS, ...BODY_ATTACKS, ...BYTES_ATTACKS, ...TOKEN_ATTACKS];

test('there are more than a hundred attacks, each of its own name', () => {
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  expect(ATTACKS.length).toBeGreaterThan(200);
});

describe('refuses, and changes nothing', () => {
  let target: Target;

  beforeAll(async () => {
    // What slows down guesses is an attack of its own; here it would hide what else refuses them.
    target = await startTarget({
      limits: { failureBurst: 1_000, headersTimeoutMs: 2_000, requestTimeoutMs: 5_000, keepAliveTimeoutMs: 100 },
    });
  });
  afterAll(() => target[Symbol.asyncDispose]());

  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))(
    '%s',
    async (_, { send, as = 'admin', expect: expected, and }) => {
      const before = await target.ledger();
      const token = target.tokens[as];
      const bytes = typeof send === 'function' ? send(target.port, token) : requestText(target, signed(send, token));
      const answer = await speak(target.server, bytes);
      expect({ ...answer, isRight: [expected].flat().includes(answer.status) }).toMatchObject({ isRight: true });
      and?.(answer);
      expect(await target.ledger()).toBe(before);
      expect((await target.ask({ target: '/healthz' })).status).toBe(200);
    },
  );

  test('and its log holds no token, no body and no control character', () => {
    const log = target.lines.join('\n');
    expect(log).toContain('"audit"');
    for (const secret of [...Object.values(target.tokens).filter((token) => token !== ''), 'rm', 'passwd:']) {
      expect(log.split('\n').filter((line) => line.includes(`"${secret}"`) || line.includes(`Bearer`))).toEqual([]);
    }
    expect(log.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    expect(target.lines.filter((line) => !line.includes('"audit"'))).toEqual([]);
  });
});
