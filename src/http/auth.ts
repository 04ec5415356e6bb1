/** What a caller may do, for the routes behind the door. */
import type { MiddlewareHandler } from 'hono';
import { type ApiEnv, type Caller, type Scope, SCOPES } from './env.ts';
import { problem } from './problem.ts';

/** Whoever reaches an address that needs no token: the socket's owner, or a program of this machine. */
export const LOCAL: Caller = { name: 'local', scopes: ['admin'] };
/** Whoever asks for what is open to all, and has no token. */
export const NOBODY: Caller = { name: 'nobody', scopes: [] };

/**
 * Lets a route be called by those only who may.
 *
 * @param scope the least that the caller must have; `admin` includes `run`, and `run` includes `read`
 * @returns a handler that answers 401 to those without a token, 403 to those whose token may less
 */
export function requireScope(scope: Scope): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const caller: Caller | undefined = context.get('caller');
    if (caller === undefined || caller.scopes.length === 0) return unknownCaller();
    if (!caller.scopes.some((own) => SCOPES.indexOf(own) >= SCOPES.indexOf(scope))) return tooLittle(caller, scope);
    await next();
    return undefined;
  };
}

/** The answer to a request with no token or nobody's: one and the same, so that it tells nothing of the token. */
export function unknownCaller(): Response {
  const detail = 'this needs a token that this daemon knows: send "Authorization: Bearer tw_…"; "tickwise token new" makes one';
  return problem(401, 'UNAUTHENTICATED', detail, {}, { 'www-authenticate': 'Bearer realm="tickwise"' });
}

function tooLittle(caller: Caller, scope: Scope): Response {
  const detail = `this needs the scope "${scope}", which the token "${caller.name}" does not have`;
  const challenge = `Bearer realm="tickwise", error="insufficient_scope", scope="${scope}"`;
  return problem(403, 'SCOPE_MISSING', detail, { scope }, { 'www-authenticate': challenge });
}
