/** Scopes on every call: each caller has a token of its own that may do no more than it needs, and whoever has none may do nothing. */
import { createHash, randomBytes } from 'node:crypto';
import { createScheduler, type TaskContext } from '../../src/index.ts';

/** Someone who calls the API. */
export interface Caller {
  /** What is sent; `tickwise token new` makes one too. */
  readonly token: string;
  /** What the configuration keeps: never the token itself. */
  readonly entry: { readonly name: string; readonly hash: string; readonly scopes: readonly string[] };
}

/** What came back to one caller, by what was asked. */
export interface Row {
  readonly caller: string;
  readonly scope: string;
  readonly statuses: Readonly<Record<string, number>>;
}

const CALLS: Readonly<Record<string, readonly [method: string, path: string]>> = {
  'list jobs': ['GET', '/v1/jobs'],
  scrape: ['GET', '/metrics'],
  submit: ['POST', '/v1/jobs/publish/runs'],
  pause: ['POST', '/v1/jobs/publish/pause'],
  cancel: ['POST', '/v1/jobs/publish/cancel'],
};

/** Makes a token of 256 bits, and the line by which a configuration knows it. */
export function makeCaller(name: string, scope: 'read' | 'run' | 'admin'): Caller {
  const token = `tw_${randomBytes(32).toString('base64url')}`;
  return { token, entry: { name, hash: `sha256:${createHash('sha256').update(token).digest('hex')}`, scopes: [scope] } };
}

/** Has three callers, and one without a token, try everything on a real server. */
export async function tryAll(): Promise<Row[]> {
  const callers = [makeCaller('dashboard', 'read'), makeCaller('deployer', 'run'), makeCaller('operator', 'admin')];
  await using scheduler = createScheduler({
    store: 'memory:',
    listen: '127.0.0.1:0',
    auth: { tokens: callers.map(({ entry }) => entry) },
    // A submit that comes while the run before is still being cancelled waits its turn.
    jobs: { publish: { task: ({ sleep }: TaskContext) => sleep(60_000), onOverlap: 'queue' } },
  });
  await scheduler.start();
  const rows: Row[] = [];
  for (const { token, entry } of callers) {
    const statuses = await call(scheduler.address, { authorization: `Bearer ${token}` });
    rows.push({ caller: entry.name, scope: entry.scopes.join(), statuses });
  }
  rows.push({ caller: 'nobody', scope: 'no token', statuses: await call(scheduler.address, {}) });
  return rows;
}

async function call(address: string | undefined, headers: Record<string, string>): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  for (const [what, [method, path]] of Object.entries(CALLS)) {
    const body = method === 'POST' ? { body: '{}' } : {};
    const response = await fetch(`${address}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...body,
    });
    await response.arrayBuffer();
    statuses[what] = response.status;
  }
  return statuses;
}
