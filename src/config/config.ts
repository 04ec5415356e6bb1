/** What a configuration is, once it has been read. */
import type { HistoryLimits, Job, NotifyRule } from '../core/job.ts';
import type { DurationMs } from '../core/time.ts';
import type { ConfigProblem } from './problem.ts';

/** Where the ledger is kept. */
export type StoreConfig =
  | { readonly kind: 'sqlite'; /** Absolute. */ readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'memory' };

/** Where the API listens. */
export type ListenConfig =
  /** `isDefault`: nobody has written it, so a daemon may do without when the port is taken. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly isDefault?: true }
  | { readonly kind: 'unix'; /** Absolute. */ readonly path: string };

/** A token of the API. The token itself is nowhere in a configuration. */
export interface TokenConfig {
  readonly name: string;
  /** SHA-256 of the token: 64 hexadecimal digits. */
  readonly hash: string;
  readonly scopes: readonly ('read' | 'run' | 'admin')[];
}

/** The lock of the API's door. */
export interface AuthConfig {
  /** None: whoever reaches the address may do all; legal on loopback and unix sockets only. */
  readonly tokens: readonly TokenConfig[];
  /** Absolute paths of PEM files that fit each other. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string };
  /** A proxy in front speaks TLS; the API itself does not. */
  readonly behindProxy: boolean;
  /** Further names under which the API is reached, as a URL writes them: lower case, no port, IPv6 in brackets. */
  readonly hosts: readonly string[];
}

/** What is logged, and how. */
export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: pretty on a terminal, else JSON. */
  readonly format: 'pretty' | 'json' | 'auto';
  readonly file?: { /** Absolute. */ readonly path: string; readonly maxSizeBytes: number; readonly maxFiles: number };
}

/** A configuration: every default filled in, every text parsed, frozen. */
export interface Config {
  /** As it was given to `loadConfig`; absent for one that did not come from a file. */
  readonly file?: string;
  /** Absolute; what paths are relative to. */
  readonly baseDir: string;
  readonly timezone: string;
  readonly store: StoreConfig;
  readonly concurrency: number;
  readonly listen: ListenConfig | false;
  readonly auth: AuthConfig;
  readonly log: LogConfig;
  readonly shutdownGraceMs: DurationMs;
  /** Already part of each job. */
  readonly history: HistoryLimits;
  /** Rules for all jobs; already part of each job. */
  readonly notify: readonly NotifyRule[];
  /** Of this node; what a job's `nodeSelector` asks for. */
  readonly labels: Readonly<Record<string, string>>;
  readonly jobs: readonly Job[];
  /**
   * Values that came from `${env:}`, `${file:}` and `${credential:}`, the password of the database and the secrets of `notify`;
   * for `redact`, and for nothing else.
   */
  readonly secrets: readonly string[];
  readonly warnings: readonly ConfigProblem[];
}
