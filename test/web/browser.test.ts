import { writeFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runIdOf } from '../../src/core/tick.ts';
import { makeToken } from '../../src/http/token.ts';
import { FakeControl, jobOf, runOf, START } from '../http/fake-control.ts';
import { serve } from '../http/live-server.ts';
import { HAS_BROWSER, launch, startDaemon, view } from './browser.ts';

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const JOBS = {
  gated: { task: { shell: 'echo begun; while [ ! -e go ]; do sleep 0.02; done; echo gone' }, budget: '30s', grace: '1s' },
  hourly: { schedule: '@hourly', task: { command: ['true'] }, description: 'on the hour' },
  markup: { task: { shell: `printf '%s\\n' '${MARKUP}'; printf '%s\\n' '${MARKUP}' >&2; exit 9` }, description: MARKUP },
};

describe.skipIf(!HAS_BROWSER)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => void (browser = await launch()));
  afterAll(() => browser?.close());

  test('shows the daemon and its jobs, with no word of complaint', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await row('hourly')
      .getByText(/^in \d+ (s|min)/)
      .waitFor();
    expect(await row('hourly').getByRole('rowheader').innerText()).toMatch(/hourly\s+on the hour/);
    expect(await row('gated').locator('.pill').innerText()).toBe('idle');
    expect(await page.locator('#count').innerText()).toBe('3 of 3');
    expect(await page.locator('#about').innerText()).toMatch(/^\d+\.\d+\.\d+ on 127\.0\.0\.1:\d+ · node /);
    await page.locator('#health', { hasText: 'healthy' }).waitFor();
    expect(seen.faults).toEqual([]);
  });

  test('a trigger runs a job, and its progress and end appear without a reload', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await row('gated').getByRole('button').click();
    await page.getByRole('button', { name: 'Trigger' }).click();
    await row('gated').locator('.pill', { hasText: 'running' }).waitFor();
    await row('gated').getByRole('progressbar').waitFor();
    await page.locator('#answer', { hasText: /^run \S+ is running$/ }).waitFor();
    await page.locator('#runs').getByRole('button', { name: /^Log/ }).click();
    await page.locator('#lines', { hasText: 'begun' }).waitFor();
    writeFileSync(daemon.site.file('go'), '');
    await row('gated').getByText('succeeded', { exact: true }).waitFor();
    await page.locator('#lines', { hasText: 'gone' }).waitFor();
    await page.locator('#log-end', { hasText: 'the run has ended: succeeded' }).waitFor();
    await row('gated').getByRole('img', { name: 'the last 1: 1 succeeded' }).waitFor();
    await row('gated').locator('.pill', { hasText: 'idle' }).waitFor();
    expect(seen.faults).toEqual([]);
  });

  test('markup in descriptions, errors and logs is shown as the text that it is', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, `${daemon.url}/#job=markup`);
    const { page, row } = seen;
    await page.getByRole('button', { name: 'Trigger' }).click();
    await row('markup').getByText('failed', { exact: true }).waitFor();
    await page.locator('#runs').getByRole('button', { name: /^Log/ }).click();
    await page.locator('#lines', { hasText: MARKUP }).waitFor();
    await page.locator('#runs', { hasText: 'onerror=' }).waitFor();
    expect(await row('markup').getByRole('rowheader').innerText()).toContain(MARKUP);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('Tickwise');
    expect(seen.faults).toEqual([]);
  });

  test('a pause is shown, and so is its end', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, `${daemon.url}/#job=hourly`);
    const { page, row } = seen;
    await page.getByRole('button', { name: 'Pause' }).click();
    await row('hourly').locator('.pill', { hasText: 'paused' }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await row('hourly').locator('.pill', { hasText: 'idle' }).waitFor();
    expect(seen.faults).toEqual([]);
  });

  test('a live run is cancelled, and a second trigger of it refused in a line', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, `${daemon.url}/#job=gated`);
    const { page, row } = seen;
    await page.getByRole('button', { name: 'Trigger' }).click();
    await row('gated').locator('.pill', { hasText: 'running' }).waitFor();
    await page.getByRole('button', { name: 'Trigger' }).click();
    await page.locator('#answer', { hasText: 'the job has a live run' }).waitFor();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await row('gated').getByText('cancelled', { exact: true }).waitFor();
    expect(seen.faults.filter((fault) => !fault.includes('409'))).toEqual([]);
  });

  test('a daemon that is gone is told of in a line, and taken up again when it is back', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await row('hourly').waitFor();
    daemon.daemon.signal('SIGKILL');
    await page
      .getByRole('alert')
      .filter({ hasText: /^no answer since .+, trying again$/ })
      .waitFor();
    daemon.site.configure({ listen: new URL(daemon.url).host, jobs: { ...JOBS, another: { task: { command: ['true'] } } } });
    await daemon.site.startUp();
    await row('another').waitFor();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await page.locator('#health', { hasText: 'healthy' }).waitFor();
    expect(seen.faults.filter((fault) => !fault.includes('net::ERR_'))).toEqual([]);
  });

  test('a token is asked for, and kept in the tab alone', async () => {
    const { token, hash } = makeToken();
    await using daemon = await startDaemon({ jobs: JOBS, auth: { tokens: [{ name: 'reader', hash, scopes: ['read'] }] } });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await page.getByLabel('Token').fill(`${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByRole('alert').filter({ hasText: 'the daemon does not know this token' }).waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await row('hourly').getByRole('button').click();
    await page.getByRole('button', { name: 'Trigger' }).click();
    await page.locator('#answer', { hasText: 'this needs the scope "run"' }).waitFor();
    const kept = await page.evaluate('[localStorage.length, document.cookie, location.href.includes("tw_")]');
    expect(kept).toEqual([0, '', false]);
    await page.reload();
    await row('hourly').waitFor();
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await row('hourly').count()).toBe(0);
  });

  test('the keyboard opens a job and closes it, and the focus comes back', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await row('hourly').getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.locator('#detail-name:focus', { hasText: 'hourly' }).waitFor();
    expect(await row('hourly').getByRole('button').getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('Escape');
    await page.locator('#detail').waitFor({ state: 'hidden' });
    await page.locator('tr[data-job="hourly"] button:focus').waitFor();
  });

  test('a tab that nobody sees hears nothing, and catches up when it is seen', async () => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, daemon.url);
    const { page, row } = seen;
    await row('markup').waitFor();
    const look = (isHidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'));`,
      );
    const left = page.waitForEvent('requestfailed', (request) => request.url().includes('/v1/events'));
    await look(true);
    await left;
    const answer = await fetch(`${daemon.url}/v1/jobs/markup/runs`, { method: 'POST' });
    const { runId } = (await answer.json()) as { runId: string };
    await fetch(`${daemon.url}/v1/runs/${runId}?wait=10s`);
    expect(await row('markup').getByText('never ran').count()).toBe(1);
    await look(false);
    await row('markup').getByText('failed', { exact: true }).waitFor();
    expect(seen.faults).toEqual([]);
  });

  test('older runs come by the page, and each once', async () => {
    const control = new FakeControl();
    control.runList = Array.from({ length: 25 }, (_, age) => {
      const tick = START - age * 60_000;
      return runOf({ id: runIdOf('report', tick), tick, startedAt: tick, endedAt: tick + 5 });
    });
    await using server = await serve(control);
    await using seen = await view(browser, `${server.address}/#job=report`);
    const { page } = seen;
    const rows = page.locator('#runs tr');
    await rows.nth(9).waitFor();
    expect(await rows.count()).toBe(10);
    await page.getByRole('button', { name: 'Older runs' }).click();
    await rows.nth(19).waitFor();
    await page.getByRole('button', { name: 'Older runs' }).click();
    await page.getByRole('button', { name: 'Older runs' }).waitFor({ state: 'hidden' });
    const ids = await page.evaluate('[...document.querySelectorAll("#runs tr")].map((row) => row.dataset.run)');
    expect(ids).toEqual(control.runList.map(({ id }) => id));
    expect(seen.faults).toEqual([]);
  });

  test.each(['', '#job=hourly'])('fits into 360 pixels, as a table still: /%s', async (hash) => {
    await using daemon = await startDaemon({ jobs: JOBS });
    await using seen = await view(browser, `${daemon.url}/${hash}`, { viewport: { width: 360, height: 740 } });
    const { page } = seen;
    await page.getByRole('table', { name: 'Jobs' }).getByRole('rowheader', { name: 'hourly' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  });

  test('10,000 jobs are found by the filter, and 200 of them shown', async () => {
    const control = new FakeControl();
    control.jobsByName.clear();
    for (let number = 0; number < 10_000; number++) {
      const job = jobOf(`job-${String(number).padStart(5, '0')}`);
      control.jobsByName.set(job.name, { job, state: 'idle', paused: false, budgetMs: 1_000, graceMs: 100, queuedRuns: [] });
    }
    await using server = await serve(control);
    await using seen = await view(browser, server.address);
    const { page, row } = seen;
    await page.locator('#count', { hasText: /^10,000 of 10,000, the first 200 shown$/ }).waitFor();
    expect(await page.locator('#rows tr').count()).toBe(200);
    const heldMs = await page.evaluate(`new Promise((resolve) => {
      let last = performance.now(), most = 0;
      const until = last + 1500;
      const look = () => { const now = performance.now(); most = Math.max(most, now - last); last = now; now < until ? setTimeout(look) : resolve(most); };
      look();
    })`);
    expect(heldMs).toBeLessThan(1_000);
    await page.getByRole('searchbox').fill('09999');
    await row('job-09999').waitFor();
    expect(await page.locator('#rows tr').count()).toBe(1);
    expect(seen.faults).toEqual([]);
  });
});
