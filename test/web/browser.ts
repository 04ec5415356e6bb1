/** A real browser on the page of a real daemon, and what went wrong in it. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { type DaemonProcess, Site } from '../e2e/daemon-process.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
export const HAS_BROWSER: boolean = CHROMIUM !== undefined;
if (!HAS_BROWSER) console.log('tests of the page in a browser are skipped: apt-get install chromium');

/** A page that is open. */
export interface View extends AsyncDisposable {
  readonly page: Page;
  /** What was written to the console as an error, thrown, or refused by the policy for content. */
  readonly faults: readonly string[];
  readonly row: (job: string) => Locator;
}

/** A daemon of its own, whose API listens on a port of the kernel's choice. */
export interface Served extends AsyncDisposable {
  readonly site: Site;
  readonly daemon: DaemonProcess;
  readonly url: string;
}

/** @returns once the daemon is up */
export async function startDaemon(config: object): Promise<Served> {
  const site = new Site().configure({ listen: '127.0.0.1:0', ...config });
  const daemon = await site.startUp();
  return { site, daemon, url: addressOf(daemon), [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
}

function addressOf({ lines }: DaemonProcess): string {
  return String(lines.find(({ message }) => message.endsWith(' is up'))?.['api']);
}

/** Starts it without a sandbox, since tests may run as root. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens a page, in a profile of its own. @param browser that runs @param url with its hash @param options of the profile */
export async function view(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<View> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => request.url().startsWith(new URL(url).origin) || faults.push(`asks ${request.url()}`));
  await page.goto(url);
  return {
    page,
    faults,
    row: (job) => page.locator(`#rows tr[data-job="${job}"]`),
    [Symbol.asyncDispose]: () => context.close(),
  };
}
