import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RUN, runOf } from './fake-control.ts';
import { setup } from './setup.ts';

const PATHS = [
  '/v1/jobs',
  '/v1/jobs/report',
  '/v1/jobs/report/runs',
  '/v1/jobs/report/ticks',
  '/v1/jobs/report/pause',
  '/v1/runs',
  `/v1/runs/${RUN}`,
  `/v1/runs/${RUN}/log`,
  `/v1/runs/${RUN}/cancel`,
  '/v1/events',
  '/metrics',
  '/readyz',
];
const NAMES = [
  'job',
  'state',
  'outcome',
  'from',
  'to',
  'limit',
  'cursor',
  'wait',
  'after',
  'follow',
  'type',
  'toString',
  '__proto__',
];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '0', '-1', '9'.repeat(30), '1s', 'null', '..'),
);
const segment = fc.oneof(
  fc.constantFrom('v1', 'jobs', 'runs', 'report', RUN, 'events', '%', '%00'),
  text.map(encodeURIComponent),
);
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PATHS) },
  fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`),
);
const asked = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), text), text);
const query = fc.oneof(fc.constant([]), fc.array(asked, { minLength: 1, maxLength: 3 }));
const body = fc.oneof(
  text,
  fc.json(),
  fc.record({ input: fc.json(), budget: text }).map((each) => JSON.stringify(each)),
);
const headers = fc.dictionary(
  fc.constantFrom('idempotency-key', 'last-event-id', 'accept', 'content-type'),
  fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 300 }),
);

test('whatever is asked, the answer is a success or a problem, and never a fault', async () => {
  const faults: unknown[] = [];
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'),
      path,
      query,
      headers,
      body,
      async (method, where, words, named, sent) => {
        const api = setup({ onFault: (error) => void faults.push(error) });
        api.control.runList = [runOf()];
        const search = words.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
        const init = { method, headers: named, ...(method === 'POST' ? { body: sent } : {}) };
        const response = await api.get(`${where}${search === '' ? '' : `?${search}`}`, init);
        statuses.add(response.status);
        const type = response.headers.get('content-type') ?? '';
        expect(response.status).not.toBe(500);
        expect(type).toMatch(response.ok ? /^(application\/json|text\/)/ : /^application\/problem\+json$/);
        if (!response.ok)
          expect(method === 'HEAD' ? { status: response.status } : await response.json()).toMatchObject({
            status: response.status,
          });
        else await response.body?.cancel();
        if (!response.ok) expect(api.control.submitted.length + api.control.steered.length).toBe(0);
      },
    ),
    { numRuns: 1_500 },
  );
  expect(faults).toEqual([]);
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404, 405]));
});
