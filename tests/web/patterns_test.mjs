// Log patterns and fleet issues: what a person sees and does.

import assert from 'node:assert/strict';
import { HOSTILE_LINE } from './fleet.mjs';
import { openPage, pageTest, PHONE, until } from './browser.mjs';
import { NVME, TEMPLATE } from './patterns.mjs';

pageTest('g p opens the patterns: the novel before what is as always, each with its numbers', {},
  async (page) => {
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.waitForSelector('.pattern-row');
    assert.match(page.url(), /#\/patterns$/);
    const rows = await page.locator('.pattern-row').allInnerTexts();
    assert.equal(rows.length, 3);
    assert.match(rows[0], /41 hosts[\s\S]*9,204 lines[\s\S]*NEW[\s\S]*rising[\s\S]*I-3fa94c21/);
    assert.match(rows[1], /no rule/);
    assert.match(await page.innerText('.summary'), /2,100,000 lines → 3 patterns[\s\S]*118 in 24 h/);
  });

pageTest('the filters are in the address, and are asked of the server', {}, async (page, f) => {
  await openPage(page, '#/patterns', '.pattern-row');
  await page.getByRole('button', { name: 'Matched by no rule' }).click();
  await until('one row', async () => await page.locator('.pattern-row').count() === 1);
  await page.getByLabel('range').selectOption('6h');
  await page.getByLabel('scope').fill('rack=r17');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('mlx5');
  await until('the words', () => /words=mlx5/.test(page.url()));
  assert.match(page.url(), /range=6h/);
  assert.match(page.url(), /unmatched=1/);
  const asked = await until('the query', () =>
    f.asked('GET', '/api/v1/patterns').find((r) => /q=mlx5/.test(r.query)));
  const query = new URLSearchParams(asked.query);
  assert.equal(query.get('scope'), 'rack=r17');
  assert.equal(query.get('range'), '6h');
  assert.equal(query.get('unmatched'), '1');
  await page.reload();
  await page.waitForSelector('.pattern-row');
  assert.equal(await page.locator('#filter').inputValue(), 'mlx5');
});

pageTest('text of strangers stays text', {}, async (page) => {
  await openPage(page, `#/patterns/${TEMPLATE}`, '.values');
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator('main img').count(), 0);
  const text = await page.innerText('main');
  assert.match(text, /<img src=x onerror=/);
  assert(!text.includes('\u202e') && !text.includes('\u001b'));
  assert.match(text, /‹ESC›/);
  await openPage(page, '#/issues/I-3fa94c21', '.examples');
  assert.match(await page.innerText('main'), /<img src=x onerror=/);
  assert.equal(await page.locator('main img').count(), 0);
  assert(HOSTILE_LINE.includes('\u202e'));
});

pageTest('j and k walk the rows, Enter opens one, Esc leads back', {}, async (page) => {
  await openPage(page, '#/patterns', '.pattern-row');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.numbers');
  assert.match(page.url(), new RegExp(`#/patterns/${NVME.replace('.', '\\.')}`));
  await page.keyboard.press('Escape');
  await page.waitForSelector('.pattern-row');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#hosts');
});

pageTest('a pattern says since when, on whom, with which values, and what those hosts share', {},
  async (page) => {
    await openPage(page, `#/patterns/${NVME}`, '.differs');
    const text = await page.innerText('main');
    assert.match(text, /41 of 41 hit have kernel 6\.1\.99; 0 of 3,959 others do\./);
    assert.match(text, /nvme0[\s\S]*65 %[\s\S]*6,000/);
    assert.match(text, /all others/);
    assert.match(text, /Not different: pool, instance_type/);
    const rows = await page.locator('.differs tbody tr').allInnerTexts();
    assert.match(rows[0], /kernel 6\.1\.99[\s\S]*100 %[\s\S]*41 of 41[\s\S]*0 %[\s\S]*0 of 3,959/);
    assert.match(rows[3], /image changed lately/);
    assert.match(await page.getAttribute('.chart', 'aria-label'), /at most 38/);
    await page.getByText('As a table').click();
    assert(await page.locator('.as-table tbody tr').count() > 10);
  });

pageTest('a time is selected by dragging, or without, and what differs is asked again', {},
  async (page, f) => {
    await openPage(page, `#/patterns/${NVME}`, '.u-over');
    await page.waitForSelector('.differs');
    await page.locator('.u-over').scrollIntoViewIfNeeded();
    const box = await page.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 70, { steps: 5 });
    await page.mouse.up();
    await until('the selection', () => /sel=20/.test(page.url()));
    await page.getByText('12 hosts hit, compared with').waitFor();
    const asked = f.asked('GET', `/api/v1/patterns/${NVME}/diff`).at(-1);
    assert.match(new URLSearchParams(asked.query).get('sel'), /^\d{4}-[^.]*Z\.\.\d{4}-[^.]*Z$/);
    await page.getByRole('button', { name: 'Clear the selection' }).click();
    await page.getByText('41 hosts hit, compared with').waitFor();
    await page.getByLabel('compare hosts hit in').selectOption('10');
    await page.getByText('12 hosts hit, compared with').waitFor();
  });

pageTest('too few hosts are said and not drawn', {}, async (page) => {
  await openPage(page, '#/patterns/fs.ext4_error', '.why-large');
  const text = await page.innerText('main');
  assert.match(text, /3 hosts hit are too few to compare/);
  assert.equal(await page.locator('.differs').count(), 0);
});

pageTest('a pattern that no rule matches has the command that makes one', {}, async (page) => {
  await openPage(page, `#/patterns/${TEMPLATE}`, '.values');
  assert.match(await page.innerText('main'), /fleetmedic rules from-template t-9f31c4/);
});

pageTest('the number of open issues stands in the frame; g i lists them, the open ones first', {},
  async (page) => {
    await page.waitForSelector('.pages .open-count');
    assert.match(await page.innerText('.pages'), /Issues\s*▲?\s*1/);
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page.waitForSelector('.issue-row');
    const rows = await page.locator('.issue-row').allInnerTexts();
    assert.match(rows[0], /open[\s\S]*I-3fa94c21[\s\S]*41 hosts[\s\S]*kernel 6\.1\.99/);
    assert.match(rows[1], /closed[\s\S]*I-77aa0001/);
    await page.getByRole('link', { name: 'I-3fa94c21' }).click();
    await page.waitForSelector('.why-panel');
    const text = await page.innerText('main');
    assert.match(text, /41 of 41 hit have kernel 6\.1\.99/);
    assert.match(text, /Drains of these hosts are held/);
    assert.match(text, /38 hosts in 10 m of 4,000 that report, where 0\.42 are usual/);
    assert.match(text, /the same hosts: image=ami-7/);
  });

const listsAsked = (f) =>
  f.requests.filter((r) => r.path === '/api/v1/patterns' || r.path === '/api/v1/issues').length;

pageTest('news of patterns and issues is shown when the stream tells of it, and asked for then alone',
  {}, async (page, f) => {
    await openPage(page, '#/patterns', '.pattern-row');
    await page.waitForSelector('.pages .open-count');
    const asked = listsAsked(f);
    await page.waitForTimeout(5500); // past the time after which a page without a stream asks
    assert.equal(listsAsked(f), asked);
    f.patterns.find((p) => p.pattern === NVME).hosts = 777;
    f.push('patterns', { change: 2 });
    await until('the news', async () =>
      /777 hosts/.test(await page.locator('.pattern-row').first().innerText()));
    assert.equal(listsAsked(f), asked + 1, 'the issues are not asked for');
    f.issues.push({ ...f.issues[0], id: 'I-00000001', state: 'open' });
    f.push('issues', { change: 3, open: 2 });
    await until('the number', async () => /Issues\s*▲?\s*2/.test(await page.innerText('.pages')));
    // However fast news comes, there is one request at a time.
    for (let i = 0; i < 50; i++) f.push('patterns', { change: 10 + i });
    await page.waitForTimeout(500);
    assert(listsAsked(f) <= asked + 8, `${listsAsked(f) - asked} requests`);
  });

pageTest('without a stream the page asks every few seconds',
  { before: (f) => { f.refuseStreams = true; } }, async (page, f) => {
    await openPage(page, '#/patterns', '.pattern-row');
    f.patterns.find((p) => p.pattern === NVME).hosts = 778;
    await page.getByText('778 hosts').waitFor({ timeout: 12_000 });
  });

pageTest('H after g still holds', {}, async (page) => {
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.waitForSelector('.frame.is-held');
});

pageTest('what cannot be read is said, and what was read stays', {}, async (page, f) => {
  await openPage(page, '#/patterns/none', '.problem');
  assert.match(await page.innerText('.problem >> nth=0'), /no patterns none/);
  await openPage(page, '#/patterns', '.pattern-row');
  f.down = true;
  f.server.closeAllConnections();
  await page.waitForSelector('.panel .problem', { timeout: 12_000 });
  assert.equal(await page.locator('.pattern-row').count(), 3);
});

pageTest('while the log is read the page says so', { before: (f) => { f.reading = true; } },
  async (page) => {
    await openPage(page, '#/patterns', '.reading');
  });

pageTest('on a phone the bar below leads everywhere', { size: PHONE }, async (page) => {
  await page.locator('.thumbs').getByRole('link', { name: /Patterns/ }).click();
  await page.waitForSelector('.pattern-row');
  await page.locator('.thumbs').getByRole('link', { name: /Issues/ }).click();
  await page.waitForSelector('.issue-row');
  await page.locator('.thumbs').getByRole('button', { name: 'Hosts' }).click();
  await page.waitForSelector('#hosts canvas');
});
