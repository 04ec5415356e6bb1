/** `npm run example`: lists the examples. `npm run example -- s3`: runs those whose folder begins so. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const [wanted, ...rest] = process.argv.slice(2);
const folders = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();

if (wanted === undefined) {
  for (const folder of folders) console.log(`${folder.padEnd(32)} ${titleOf(folder)}`);
} else {
  const chosen = folders.filter((folder) => wanted === 'all' || folder.startsWith(`${wanted}-`) || folder === wanted);
  if (chosen.length === 0) {
    console.error(`no example is called ${wanted}; one of: ${folders.join(' ')}`);
    process.exitCode = 2;
  }
  for (const folder of chosen) {
    console.log(`\n# ${folder}`);
    const { status } = spawnSync(process.execPath, [join(HERE, folder, 'main.ts'), ...rest], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}

/** What stands between the id and the first full stop or colon of the file's head. */
function titleOf(folder: string): string {
  const [, head = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(HERE, folder, 'main.ts'), 'utf8')) ?? [];
  const words = head.replaceAll(/\s*\n \* ?/g, ' ').trim();
  return /^(?:S\w+\. |Day one: )?(.*?)[.:;](?:\s|$)/.exec(words)?.[1] ?? words;
}
