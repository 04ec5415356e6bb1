/**
 * The laws of the house as data: who may import whom (DESIGN section 3), which package belongs to which file, and where
 * a word of power may be spoken. A change here is a change of the design, and belongs in an ADR.
 */

/** Which rooms a room may import, type-only imports included; a room may always import itself. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/core/': [],
  'src/engine/': ['src/core/', 'src/structured/'],
  /** The door gives those who have no run the machine's clock (ADR 0007). */
  'src/structured/kit.ts': ['src/core/', 'src/structured/', 'src/system/clock.ts'],
  'src/structured/': ['src/core/'],
  'src/runner/': [
    'src/core/',
    'src/structured/',
    'src/engine/run-loop.ts',
    'src/engine/turn.ts',
    'src/engine/handler.ts',
    'src/engine/context.ts',
  ],
  'src/store/': ['src/core/'],
  /** Metrics, telemetry and what else listens there know the events by their types; whom they listen to is handed to them. */
  'src/system/': ['src/core/', 'type src/engine/events.ts'],
  'src/config/': ['src/core/'],
  'src/http/': ['src/core/', 'type src/engine/'],
  'src/web/': ['type src/http/'],
  /** Tokens are made where they are hashed, so that the command line and the door agree on both. */
  'src/cli/': ['src/core/', 'src/config/', 'src/daemon.ts', 'src/store/', 'src/system/', 'src/http/token.ts', 'type src/http/'],
  /** The command wires the real calendar into the simulation. */
  'src/testing/simulate-main.ts': ['src/testing/', 'src/system/calendar.ts'],
  'src/testing/': ['src/core/', 'src/engine/', 'src/structured/', 'src/store/memory.ts'],
  'src/daemon.ts': [
    'src/core/',
    'src/engine/',
    'src/structured/',
    'src/runner/',
    'src/store/',
    'src/system/',
    'src/config/',
    'src/http/',
    'src/web/',
    'src/definitions.ts',
    'src/doors.ts',
    'src/telling.ts',
  ],
  /** The second half of the wiring, loaded by the daemon when its API is used. */
  'src/doors.ts': ['src/core/', 'src/engine/', 'src/system/', 'src/config/', 'src/http/'],
  'src/telling.ts': ['src/core/', 'src/engine/', 'src/system/', 'src/definitions.ts'],
  'src/definitions.ts': ['src/core/'],
  'src/library.ts': ['src/core/', 'src/engine/', 'src/structured/', 'src/config/', 'src/system/', 'src/daemon.ts'],
  'src/index.ts': [
    'src/core/',
    'src/engine/',
    'src/structured/',
    'src/runner/',
    'src/store/',
    'src/system/',
    'src/config/',
    'src/daemon.ts',
    'src/library.ts',
  ],
  'config/jobs/': ['src/index.ts', 'type src/core/'],
  /** Examples show what a user can write, so they go through the doors that a user has; one starts the command line as a program. */
  'examples/': ['src/index.ts', 'src/testing/kit.ts', 'src/structured/kit.ts', 'src/cli/main.ts'],
};

/** The only files that may import a package. A package that is not named here may not be imported by `src/` at all. */
export const FENCES: Readonly<Record<string, readonly string[]>> = {
  '@hono/node-server': ['src/http/server.ts'],
  '@hono/zod-openapi': ['src/http/'],
  '@opentelemetry/api': ['src/system/telemetry.ts'],
  commander: ['src/cli/'],
  croner: ['src/system/calendar', 'src/system/cron-pattern.ts'],
  hono: ['src/http/'],
  'jsonc-parser': ['src/config/'],
  'node:sqlite': ['src/store/'],
  'prom-client': ['src/system/metrics.ts'],
  'p-queue': ['src/engine/dispatcher.ts', 'src/structured/gather.ts'],
  winston: ['src/system/log.ts'],
  /** The parsers of what comes in, at most four. */
  zod: ['src/config/schema.ts', 'src/config/check.ts', 'src/config/input-schema.ts', 'src/cli/answer.ts'],
};

/** Files that may import what a user's configuration names, by an expression. */
export const COMPUTED_IMPORTS: readonly string[] = ['src/runner/'];

/** Words that `core/` does without: it reads no clock, sets no timer, rolls no dice and never waits. */
export const NOT_IN_CORE: readonly string[] = [
  'Date',
  'Math.random',
  'async',
  'await',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
];

/** Words that are spoken nowhere but in the files listed; an empty list means nowhere at all. */
export const NOT_IN_SRC: Readonly<Record<string, readonly string[]>> = {
  /** It stops waiting, not running. */
  'Promise.race': [],
  /** Keeps what it is given alive for as long as its longest-lived parent; the context joins it to no more than a run's signal. */
  'AbortSignal.any': ['src/engine/context.ts'],
  /** A bound of a run is a timer of the clock port; a runner bounds what the port cannot reach. */
  'AbortSignal.timeout': ['src/runner/'],
  setInterval: ['src/system/clock.ts', 'src/runner/'],
  setTimeout: ['src/system/clock.ts', 'src/runner/'],
  /** Only the daemon opens the ledger for writing. The command line reads it; to set a checkpoint it takes the daemon's place, and its lock. */
  openSqliteStore: ['src/daemon.ts', 'src/index.ts', 'src/store/', 'src/cli/checkpoint.ts'],
  any: [],
};

/** At most so many lines in a file of `src/`. */
export const LONGEST_FILE = 260;

/** Names that say nothing. */
export const EMPTY_NAMES: RegExp = /(^|-)(utils?|helpers?|common|types?|manager|misc|shared)\.ts$/;

/** Places of one machine, and hosts of package registries; written so that this file does not hold them itself. */
export const FOREIGN_PLACES: readonly RegExp[] = [
  /(?<![\w.~*-])\/(?:work|root|opt\/node\d*|home\/[a-z]+|Users\/\w+)\//,
  /\bregistry\.(?:npm|yarn)[a-z]*\.|\bnpmmirror\b|\/artifactory\//,
  /https?:\/\/[^\s"']*\/-\/[^\s"']*\.tgz/,
];
