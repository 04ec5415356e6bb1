/** `fetch`, bound to a context. */
import type { Context } from '../core/context.ts';

/**
 * Binds the global `fetch` to a context: the request, and the reading of its body, are aborted in flight when the context is
 * cancelled. A signal that the caller gives as well is honoured too.
 *
 * @param context whose signal it heeds
 * @returns a `fetch`; it rejects with the reason of whatever aborted it
 */
export function boundFetch(context: Context): typeof globalThis.fetch {
  return async (input, init) => {
    const own = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    if (own === undefined) return globalThis.fetch(input, { ...init, signal: context.signal });
    const child = context.withCancel();
    const onAbort = (): void => child.cancel(own.reason);
    if (own.aborted) onAbort();
    else own.addEventListener('abort', onAbort, { once: true });
    const unlink = (): void => {
      own.removeEventListener('abort', onAbort);
      child[Symbol.dispose]();
    };
    try {
      const response = await globalThis.fetch(input, { ...init, signal: child.signal });
      if (response.body === null) unlink();
      else bodies.register(response, unlink);
      return response;
    } catch (error) {
      unlink();
      throw error;
    }
  };
}

/** Nobody says when a body has been read or forgotten; so its links live as long as the response does, as within `fetch` itself. */
const bodies = new FinalizationRegistry<() => void>((unlink) => unlink());
