/** Tokens of the API: made once, shown once, kept as their SHA-256 only. */
import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/**
 * Makes a token that nobody can guess.
 *
 * @returns `token`: `tw_` and 256 bits in base64url, to be shown once; `hash`: what the configuration keeps of it
 */
export function makeToken(): { readonly token: string; readonly hash: string } {
  const token = `tw_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token, hash: `sha256:${digestOf(token).toString('hex')}` };
}

/**
 * What is compared in place of a token.
 *
 * @param token any text
 * @returns the 32 bytes of its SHA-256
 */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
