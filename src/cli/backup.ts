/** `tickwise backup`: a copy of the ledger, beside a daemon or without one. */
import { createCalendar } from '../system/calendar.ts';
import { complain, EXIT } from './exit.ts';
import { readSettings } from './settings.ts';
import { ledgerPath } from './verify.ts';

/**
 * Writes the ledger as it is at one instant to a new file. To restore it, put it in the place of the store while no daemon runs.
 *
 * @param path the configuration file
 * @param file where to; a file that is there is left as it is
 * @returns 0; 4 when there is such a file
 * @throws TickwiseError those of the configuration; `STORE_UNUSABLE` when one of the two files cannot be read or written; `STORE_UNSUPPORTED`
 */
export async function backup(path: string, file: string): Promise<number> {
  const { backUp } = await import('../store/backup.ts');
  const result = backUp(ledgerPath(readSettings(path, createCalendar(), true)), file);
  if (result.kind === 'exists')
    return complain(`${result.path}: there is a file of this name already; name another, or remove it`, EXIT.refused);
  console.log(`${result.path}: ${result.bytes} bytes`);
  return EXIT.ok;
}
