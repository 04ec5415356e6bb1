/**
 * S4a. A context tree: withCancel, withDeadline, withTimeout, withValue. Cancelling a parent cancels all below it and only them;
 * a child's deadline is never later than its parent's; values are seen below, not above.
 */
import { createContext } from '../../src/structured/kit.ts';

/** What came out. */
export interface Tree {
  /** Which contexts are cancelled after `request` was. */
  readonly cancelled: Readonly<Record<string, boolean>>;
  readonly reasonBelow: unknown;
  /** Milliseconds by which a child that asked for an hour outlives its parent that has a minute. */
  readonly childOutlivesParentMs: number;
  readonly values: Readonly<Record<string, unknown>>;
  /** Whether work that was detached from the tree was cancelled with it. */
  readonly detachedCancelled: boolean;
}

/** Builds a tree, cancels in the middle of it, and looks. */
export function contextTree(): Tree {
  using root = createContext();
  using server = root.withValue('service', 'search');
  using request = server.withTimeout(60_000);
  using sibling = server.withCancel();
  using user = request.withValue('user', 'ann');
  using query = user.withTimeout(3_600_000);
  using row = query.withDeadline(Date.now() + 3_600_000);
  using audit = query.detached();

  const childOutlivesParentMs = Math.max(query.deadline, row.deadline) - request.deadline;
  const values = {
    'service, seen by row': row.value('service'),
    'user, seen by row': row.value('user'),
    'user, seen by request': request.value('user'),
    'user, seen by sibling': sibling.value('user'),
    'user, seen by the detached audit': audit.value('user'),
  };

  request.cancel(new Error('the client went away'));
  const nodes = { root, server, sibling, request, user, query, row };
  return {
    cancelled: Object.fromEntries(Object.entries(nodes).map(([name, { signal }]) => [name, signal.aborted])),
    reasonBelow: row.signal.reason,
    childOutlivesParentMs,
    values,
    detachedCancelled: audit.signal.aborted,
  };
}

if (import.meta.main) {
  const { cancelled, reasonBelow, childOutlivesParentMs, values, detachedCancelled } = contextTree();
  const names = (state: boolean): string =>
    Object.keys(cancelled)
      .filter((name) => cancelled[name] === state)
      .join(', ');
  console.log(
    `request is cancelled: with it ${names(true)}; not ${names(false)}; detached: ${detachedCancelled ? 'cancelled' : 'goes on'}`,
  );
  console.log(`  the leaf says why: ${String(reasonBelow)}`);
  console.log(`a child that asks for an hour under a parent with a minute outlives it by ${childOutlivesParentMs} ms`);
  for (const [what, value] of Object.entries(values)) console.log(`value ${what}: ${String(value)}`);
}
