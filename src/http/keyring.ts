/**
 * Who holds which token. What was sent is hashed once and compared with every token there is, whether or not one has matched
 * already: how long an answer takes says nothing of whether, where or how nearly a token fits.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Caller, Scope } from './env.ts';
import { digestOf } from './token.ts';

/** A token that opens the door, without itself. */
export interface TokenHash {
  readonly name: string;
  /** SHA-256 of the token: 64 hexadecimal digits, with or without `sha256:` before them. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
}

/** Whether two texts of equal length are the same, in a time that does not tell where they differ. */
export type Compare = (one: Buffer, other: Buffer) => boolean;

/** Tells the caller from what came with a request as `Authorization`; `undefined` for nobody's token. */
export type Keyring = (authorization: string | undefined) => Caller | undefined;

const BEARER = /^Bearer +([!-~]+)$/i;

/**
 * Makes the keyring of these tokens.
 *
 * @param tokens none: nobody is known
 * @param compare for the tests of the time that it takes
 * @returns the keyring
 */
export function createKeyring(tokens: readonly TokenHash[], compare: Compare = timingSafeEqual): Keyring {
  const keys = tokens.map(({ name, hash, scopes }) => ({
    caller: { name, scopes },
    digest: Buffer.from(hash.replace(/^sha256:/, ''), 'hex'),
  }));
  return (authorization) => {
    const sent = digestOf(BEARER.exec(authorization ?? '')?.[1] ?? '');
    let found: Caller | undefined;
    for (const { caller, digest } of keys) {
      const fits = compare(sent, digest);
      found = fits ? caller : found;
    }
    return found;
  };
}
