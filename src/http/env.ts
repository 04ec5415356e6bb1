/** What the door knows of a request, for the routes behind it. */

/** What a caller may do: look; start and cancel runs; pause and resume jobs as well. Each includes the one before it. */
export const SCOPES: readonly ['read', 'run', 'admin'] = ['read', 'run', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, as the door has made sure. */
export interface Caller {
  /** The token's name; `local` on an address that needs none. Kept in the ledger as `by`. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** The types that routes find in their context: `context.get('caller')`. */
export interface ApiEnv {
  Variables: { caller: Caller };
}
