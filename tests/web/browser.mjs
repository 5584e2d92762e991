// One Chromium for all tests; each test has its own server, context and page, and they go with it.
// A page error or a violation of the content security policy fails the test that saw it.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { Fixture, TOKEN } from './fixture.mjs';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../console/web/');
const load = createRequire(web);
const { chromium } = load('playwright-core');
export const axeSource = load('axe-core').source;

const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
export const DESK = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
const TEST_MS_MAX = 30_000;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS });
});
after(() => browser?.close());

// `options`: size, scheme, before(fixture), context, clock, wait.
export async function withPage(options, run) {
  const fixture = await new Fixture(join(web, 'dist')).start();
  const context = await browser.newContext({
    viewport: options.size ?? DESK, colorScheme: options.scheme ?? 'dark', ...options.context,
  });
  context.setDefaultTimeout(8000);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => /Content Security Policy/i.test(m.text()) && errors.push(m.text()));
  try {
    await options.before?.(fixture);
    if (options.clock) await page.clock.install();
    await page.goto(`${fixture.url}/#t=${encodeURIComponent(TOKEN)}`);
    await page.waitForSelector(options.wait ?? '#hosts canvas');
    await run(page, fixture);
    if (errors.length > 0) throw new Error(`the page said: ${errors.join('; ')}`);
  } finally {
    await context.close();
    await fixture.stop();
  }
}

export function pageTest(name, options, run) {
  test(name, { timeout: TEST_MS_MAX }, () => withPage(options, run));
}

// Waits until `probe` gives something true; a bounded time, then an error that says what for.
export async function until(what, probe, ms = 6000) {
  const end = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function openHost(page, name) {
  await page.evaluate((h) => { location.hash = `#/hosts/${h}`; }, name);
  await page.waitForSelector('.facts');
}

export async function openPage(page, hash, wait) {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await page.waitForSelector(wait);
}
