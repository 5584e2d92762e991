// The console of a program that runs, not of the fixture: the pages of one fleet issue and its
// pattern, looked at in Chromium. Started by tests/e2e/fleet_issue_e2e_test.
//
//   node tests/web/real_issue.mjs SIGN_IN_URL ISSUE PATTERN FOLDER
//
// Writes pictures into FOLDER and prints what each page says as JSON; exits with 1 on an error of
// a page.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../console/web/');
const { chromium } = createRequire(web)('playwright-core');

const [signIn, issue, pattern, folder] = process.argv.slice(2);
const errors = [];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update'],
});
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => /Content Security Policy/i.test(m.text()) && errors.push(m.text()));
  await page.goto(signIn);
  await page.waitForSelector('#hosts canvas');
  const said = { now: await page.innerText('main') };
  const look = async (name, hash, wait) => {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.waitForSelector(wait);
    // What differs is asked for by the page, and comes a moment later.
    await page.waitForFunction(
      () => !document.querySelector('main').innerText.includes('Comparing…'));
    said[name] = await page.innerText('main');
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };
  await look('issues', '#/issues', '.issue-row');
  await look('issue', `#/issues/${issue}`, '.why-large');
  said.canvases = await page.locator('main canvas').count();
  await look('pattern', `#/patterns/${pattern}`, '.differs, .numbers');
  await look('patterns', '#/patterns', '.pattern-row');
  process.stdout.write(JSON.stringify({ ...said, errors }));
} finally {
  await browser.close();
}
process.exit(errors.length === 0 ? 0 : 1);
