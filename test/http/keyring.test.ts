import { expect, test } from 'vitest';
import { createKeyring, type TokenHash } from '../../src/http/keyring.ts';
import { makeToken } from '../../src/http/token.ts';

function setup(count: number): {
  tokens: string[];
  hashes: TokenHash[];
  compared: () => number;
  known: ReturnType<typeof createKeyring>;
} {
  const made = Array.from({ length: count }, () => makeToken());
  const hashes = made.map(({ hash }, index): TokenHash => ({ name: `caller-${index}`, hash, scopes: ['read'] }));
  let compares = 0;
  const known = createKeyring(hashes, (one, other) => {
    compares += 1;
    expect(one.length).toBe(other.length);
    return one.equals(other);
  });
  return { tokens: made.map(({ token }) => token), hashes, compared: () => compares, known };
}

test('makes tokens of 256 bits that are never the same', () => {
  const tokens = new Set(Array.from({ length: 1_000 }, () => makeToken().token));
  expect(tokens.size).toBe(1_000);
  for (const token of tokens) expect(Buffer.from(token.slice(3), 'base64url')).toHaveLength(32);
});

test('knows each caller by their token', () => {
  const { tokens, known } = setup(3);
  expect(tokens.map((token) => known(`Bearer ${token}`)?.name)).toEqual(['caller-0', 'caller-1', 'caller-2']);
  expect(known(`bearer ${tokens[0]}`)?.name).toBe('caller-0');
});

test('knows a hash with and without the name of its kind', () => {
  const { token, hash } = makeToken();
  const known = createKeyring([{ name: 'one', hash: hash.slice('sha256:'.length), scopes: [] }]);
  expect(known(`Bearer ${token}`)?.name).toBe('one');
});

test('knows nobody by anything else', () => {
  const { tokens, hashes, known } = setup(1);
  const [token = ''] = tokens;
  const wrong = [
    token,
    `Basic ${token}`,
    `Bearer ${token} `,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${hashes[0]?.hash}`,
    'Bearer',
    'Bearer ',
    '',
    undefined,
  ];
  expect(wrong.map((sent) => known(sent))).toEqual(wrong.map(() => undefined));
});

test('does the same work for the first token, the last, a nearly right one and none', () => {
  const { tokens, compared, known } = setup(50);
  const [first = ''] = tokens;
  for (const sent of [`Bearer ${first}`, `Bearer ${tokens.at(-1)}`, `Bearer ${first.slice(0, -1)}A`, 'Bearer x', undefined]) {
    const before = compared();
    known(sent);
    expect(compared() - before).toBe(50);
  }
});
