/** What every command begins with: the configuration, read the same way by all. */
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Calendar } from '../core/ports.ts';

/** The file that `--config`, `TICKWISE_CONFIG` or the default names. @param given the value of `--config` */
export function configPath(given: string | undefined): string {
  return given ?? process.env['TICKWISE_CONFIG'] ?? 'scheduler.config.json';
}

/**
 * Loads the configuration.
 *
 * @param path see `configPath`
 * @param calendar checks its schedules
 * @throws TickwiseError `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export function readSettings(path: string, calendar: Calendar): Config {
  return loadConfig(path, {
    env: process.env,
    calendar,
    now: Date.now(),
    hostTimezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
}
