// What holds for every view, in both themes and both sizes: no accessibility violation that axe can
// find, nothing wider than the screen, HOLD in sight.

import assert from 'node:assert/strict';
import { ago } from './fleet.mjs';
import { axeSource, DESK, openHost, openPage, pageTest, PHONE } from './browser.mjs';
import { NVME, TEMPLATE } from './patterns.mjs';

const HOLDS = [
  { source: 'override', id: 'o-9', scope: 'fleet', who: 'op2', reason: 'bad kernel rule',
    since: ago(300), review_at: ago(-9000) },
  { source: 'file', scope: 'fleet', who: 'root', reason: '', since: ago(60) },
];
const CAUSES = [{ cause: 'too many bad', detail: '41 of 4,000 hosts', since: ago(100) }];

function mode(change) {
  return (f) => Object.assign(f.state.mode, change);
}

const VIEWS = {
  calm: {},
  held: { before: mode({ mode: 'hold', holds: HOLDS }) },
  'held in part': { before: mode({ holds: [{ ...HOLDS[0], scope: 'pool:db' }] }) },
  tripped: { before: mode({ mode: 'tripped', brake: { tripped: true, causes: CAUSES } }) },
  degraded: { before: mode({ mode: 'degraded', reason: 'log 90 s behind' }) },
  shadow: { before: mode({ mode: 'shadow' }) },
  table: { act: (page) => page.keyboard.press('v') },
  'under the cursor': {
    act: async (page) => {
      await page.focus('#hosts canvas');
      for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    },
  },
  host: {
    act: async (page) => {
      await openHost(page, 'web-114');
      await page.getByRole('button', { name: 'Cancel' }).click();
    },
  },
  'just held': {
    act: async (page) => {
      await page.click('button.hold');
      await page.waitForSelector('.toast-held');
    },
  },
  release: {
    before: mode({ mode: 'hold', holds: HOLDS }),
    act: (page) => page.getByRole('button', { name: 'Review & release' }).click(),
  },
  patterns: { act: (page) => openPage(page, '#/patterns', '.pattern-row') },
  'a pattern': { act: (page) => openPage(page, `#/patterns/${NVME}`, '.u-over') },
  'a hostile template': {
    act: (page) => openPage(page, `#/patterns/${TEMPLATE}`, '.differs'),
  },
  issues: { act: (page) => openPage(page, '#/issues', '.issue-row') },
  'an issue': { act: (page) => openPage(page, '#/issues/I-3fa94c21', '.u-over') },
  'a pattern while held': {
    before: mode({ mode: 'hold', holds: HOLDS }),
    act: (page) => openPage(page, `#/patterns/${NVME}`, '.differs'),
  },
  help: { act: (page) => page.keyboard.press('?') },
  'no server': {
    act: async (page, f) => {
      f.goDown();
      await page.waitForSelector('.fresh-unreachable');
    },
  },
};

const SCREENS = [DESK, PHONE].flatMap((size) => [[size, 'dark'], [size, 'light']]);

async function axe(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return found.violations.map((v) =>
    `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
}

async function fits(page, width) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(wide <= width, `${wide} px wide on ${width} px`);
  const box = await page.locator('.bar button.hold').boundingBox();
  assert(box && box.x >= 0 && box.x + box.width <= width && box.y >= 0, 'HOLD is in sight');
  assert(box.height >= 44, 'HOLD is large enough for a thumb');
}

for (const [name, view] of Object.entries(VIEWS)) {
  for (const [size, scheme] of SCREENS) {
    pageTest(`${name}, ${size.width} px, ${scheme}`, { size, scheme, before: view.before },
      async (page, f) => {
        await view.act?.(page, f);
        await fits(page, size.width);
        assert.deepEqual(await axe(page), []);
      });
  }
}
