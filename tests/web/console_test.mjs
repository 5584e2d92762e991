// The page against a server that speaks docs/api.md: what a person sees and does.

import assert from 'node:assert/strict';
import { HOSTILE_LINE, ago, manyHosts } from './fleet.mjs';
import { openHost, pageTest, PHONE, until } from './browser.mjs';

const FILE_HOLD = { source: 'file', scope: 'fleet', who: 'root', reason: '', since: ago(60) };
const OWN_HOLD = {
  source: 'override', id: 'o-9', scope: 'fleet', who: 'op2', reason: 'bad kernel rule',
  since: ago(300),
};

function held(...holds) {
  return (f) => { f.state.mode = { ...f.state.mode, mode: 'hold', holds }; };
}

const CAUSE = { cause: 'too many bad', detail: '41 of 4,000 hosts', since: ago(100) };
function tripped(f) {
  f.state.mode = { ...f.state.mode, mode: 'tripped', brake: { tripped: true, causes: [CAUSE] } };
}

pageTest('the token is given once and leaves the address', {}, async (page, f) => {
  assert.equal(f.asked('POST', '/api/v1/session').length, 1);
  assert.equal(new URL(page.url()).hash, '');
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage })), /let-me-in/);
});

pageTest('without a session the page asks for the token, and HOLD stays in sight',
  { before: (f) => { f.session = (res) => f.problem(res, 401, 'unauthenticated', 'no'); },
    wait: '.sign-in' },
  async (page) => {
    assert(await page.isVisible('button.hold'));
    await page.fill('.sign-in input', 'wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sign-in .problem');
  });

pageTest('HOLD is one press, without a dialog, and in force before the reply',
  { before: (f) => { f.holdDelayMs = 1500; } },
  async (page, f) => {
    const pressed = performance.now();
    await page.click('button.hold');
    const [asked] = await until('the request', () => f.asked('POST', '/api/v1/hold')[0] &&
      f.asked('POST', '/api/v1/hold'));
    assert(asked.at - pressed < 500, `asked after ${asked.at - pressed} ms`);
    assert.equal(asked.headers['x-fleetmedic-csrf'], '1');
    await page.waitForSelector('.frame.is-held', { timeout: 1000 });
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.equal(await page.locator('.toast-held').count(), 0, 'the reply has not come yet');
    await page.waitForSelector('.toast-held');
    assert.match(await page.innerText('.held.whole'), /HELD[\s\S]*op1[\s\S]*fleet/);
    assert.match(await page.title(), /HELD/);
  });

pageTest('after HOLD the page asks why and where; the first hold ends only when the second stands',
  {}, async (page, f) => {
    await page.keyboard.press('H');
    await page.waitForSelector('.toast-held');
    await page.getByLabel('Reason (optional)').fill('bad kernel rule');
    await page.getByLabel(/^Scope/).fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('.toast-held .problem');
    assert.equal(f.asked('POST', '/api/v1/hold').length, 1, 'an empty scope is refused');
    await page.getByLabel(/^Scope/).fill('pool:web');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('.toast-held', { state: 'detached' });
    const acts = f.requests.filter((r) => r.method !== 'GET' && !r.path.endsWith('/session'));
    assert.deepEqual(acts.map((r) => `${r.method} ${r.path}`), [
      'POST /api/v1/hold', 'POST /api/v1/hold', 'DELETE /api/v1/overrides/o-1',
    ]);
    assert.deepEqual(acts[1].body, { scope: 'pool:web', reason: 'bad kernel rule' });
  });

pageTest('a HOLD that nobody confirms says so, with the commands that need no server',
  { before: (f) => { f.state.mode.hold_file = '/srv/fm/HOLD'; } },
  async (page, f) => {
    f.goDown();
    await page.click('button.hold');
    await page.waitForSelector('.banner.hold-failed');
    const text = await page.innerText('.banner.hold-failed');
    assert.match(text, /not confirmed/);
    assert.match(text, /touch \/srv\/fm\/HOLD/);
    assert.match(text, /fleetmedic hold/);
    f.down = false;
    await page.getByRole('button', { name: 'Try HOLD again' }).click();
    await page.waitForSelector('.frame.is-held');
    await page.waitForSelector('.banner.hold-failed', { state: 'detached' });
  });

pageTest('the held bar names every source', { before: held(OWN_HOLD, FILE_HOLD) },
  async (page) => {
    const text = await page.innerText('.held.whole');
    assert.match(text, /op2[\s\S]*bad kernel rule[\s\S]*root[\s\S]*no reason yet[\s\S]*HOLD file/);
  });

pageTest('release wants a reason, shows what waits, and says who still holds',
  { before: held(OWN_HOLD, FILE_HOLD) },
  async (page, f) => {
    await page.getByRole('button', { name: 'Review & release' }).click();
    await page.waitForSelector('dialog[open]');
    assert.match(await page.innerText('dialog'), /3 hosts will be looked at again/);
    await page.getByLabel(/Why release now/).fill('   ');
    await page.getByRole('button', { name: 'Release what I may' }).click();
    await page.waitForSelector('dialog .problem');
    assert.equal(f.asked('POST', '/api/v1/release').length, 0);
    await page.getByLabel(/Why release now/).fill('rule fixed');
    await page.getByRole('button', { name: 'Release what I may' }).click();
    await page.getByText('1 released; still held.').waitFor();
    assert.match(await page.innerText('dialog'), /root[\s\S]*rm \/run\/fleetmedic\/HOLD/);
    await page.keyboard.press('Escape');
    assert(await page.isVisible('.held.whole'));
  });

pageTest('a hold on one pool leaves the bar open and says which part is held',
  { before: (f) => { f.state.mode.holds = [{ ...OWN_HOLD, scope: 'pool:db' }]; } },
  async (page) => {
    assert.equal(await page.locator('.frame.is-held').count(), 0);
    assert.match(await page.innerText('.held.part'), /HELD IN PART[\s\S]*pool:db/);
  });

pageTest('a tripped brake shows its causes and is released with a reason', { before: tripped },
  async (page, f) => {
    assert.match(await page.innerText('.banner.tripped'), /TRIPPED[\s\S]*41 of 4,000 hosts/);
    await page.getByRole('button', { name: 'Review & release brake' }).click();
    await page.getByLabel(/Why release now/).fill('detector rolled back');
    await page.getByRole('button', { name: 'Release the brake' }).click();
    await page.waitForSelector('.banner.tripped', { state: 'detached' });
    assert.deepEqual(f.asked('POST', '/api/v1/brake/release')[0].body,
      { reason: 'detector rolled back' });
  });

pageTest('DEGRADED says why, and how to hold without the page',
  { before: (f) => {
    Object.assign(f.state.mode, { mode: 'degraded', reason: 'log 90 s behind' });
  } },
  async (page) => {
    const text = await page.innerText('.banner.degraded');
    assert.match(text, /log 90 s behind[\s\S]*touch \/run\/fleetmedic\/HOLD/);
  });

pageTest('everything can be done by keyboard', {}, async (page) => {
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'filter');
  await page.keyboard.type('state:draining');
  await page.getByText('1 of 12 hosts').first().waitFor();
  assert.match(page.url(), /q=state%3Adraining/);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  assert.doesNotMatch(page.url(), /q=/);
  await page.focus('#hosts canvas');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await until('the live region', async () =>
    /^web-102, healthy/.test(await page.innerText('#under-cursor')));
  await page.keyboard.press('j');
  await until('the next host', async () =>
    /^web-103, healthy, protected/.test(await page.innerText('#under-cursor')));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.host-head');
  assert.match(page.url(), /#\/hosts\/web-103$/);
  await page.keyboard.press('Escape');
  await page.waitForSelector('#hosts canvas');
  await page.keyboard.press('v');
  await page.waitForSelector('.table-box');
  await page.focus('.table-box');
  await page.keyboard.press('ArrowDown');
  await page.waitForSelector('tr.current');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.keyboard.press('H');
  await page.waitForSelector('.frame.is-held');
});

pageTest('single keys can be switched off, and never fire while a person types', {},
  async (page, f) => {
    await page.focus('#filter');
    await page.keyboard.type('Hh?v');
    assert.equal(await page.inputValue('#filter'), 'Hh?v');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByLabel('Single-key shortcuts').uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('H');
    await page.waitForTimeout(200);
    assert.equal(f.asked('POST', '/api/v1/hold').length, 0);
  });

pageTest('hostile log text is shown, and does nothing', {}, async (page) => {
  await openHost(page, 'web-114');
  await page.waitForSelector('.evidence');
  const lines = await page.locator('.log-line').allTextContents();
  assert(lines.includes(
    '<img src=x onerror="window.hacked=1">‹ESC›[31mred‹ESC›[0m ‹RLO›txt.exe‹LRI› nul‹NUL› end'));
  const all = await page.evaluate(() => document.body.textContent);
  for (const ch of ['\u202e', '\u2066', '\u001b', '\u0000']) assert(!all.includes(ch));
  assert(HOSTILE_LINE.includes('\u202e'));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator('img').count(), 0);
});

pageTest('a host name from outside cannot break the page',
  { before: (f) => {
    f.state.hosts[0].host = '"><script>x</script>\u202e/..';
    f.state.hosts[1].host = '\ud800';
  } },
  async (page) => {
    await page.keyboard.press('v');
    await page.getByRole('link', { name: /script/ }).first().click();
    await page.waitForSelector('.facts');
    assert.equal(await page.innerText('h1'), '"><script>x</script>‹RLO›/..');
  });

pageTest('one host: why, timeline, tasks, facts', {}, async (page) => {
  await openHost(page, 'web-114');
  const kinds = await page.locator('.why-kind').allTextContents();
  assert.deepEqual(kinds.slice(2), ['finding', 'condition', 'decision', 'grant', 'directive',
    'ack', 'refusal']);
  assert.equal(await page.locator('.lane').count(), 6);
  assert.match(await page.innerText('.facts'), /m5\.4xlarge/);
  assert.match(await page.title(), /web-114/);
});

pageTest('an act says what it does, wants a reason, and has its command', {}, async (page, f) => {
  await openHost(page, 'web-101');
  await page.getByRole('button', { name: 'Protect 2 h' }).click();
  const form = page.locator('.act-form');
  await form.getByRole('button', { name: 'Protect 2 h' }).click();
  await form.locator('.problem').waitFor();
  assert.equal(f.asked('POST', '/api/v1/overrides').length, 0);
  await form.getByLabel('Why (required)').fill("it's INC-2231");
  assert.equal(await form.getByRole('button', { name: 'Copy as CLI' }).getAttribute('title'),
    "fleetmedic override add protect --scope host:web-101 --for 2h --reason 'it'\\''s INC-2231'");
  await page.keyboard.press('Enter');
  await page.getByText('Copied').or(page.getByText('is protected for 2 h')).waitFor();
  await form.waitFor({ state: 'detached' });
  assert.deepEqual(f.asked('POST', '/api/v1/overrides')[0].body,
    { kind: 'protect', scope: 'host:web-101', for_ms: 7200000, reason: "it's INC-2231" });
  assert.equal(await page.getByRole('button', { name: /^Return/ }).getAttribute('aria-disabled'),
    'true');
});

pageTest('the stream moves the picture', {}, async (page, f) => {
  await page.getByRole('button', { name: '1 draining' }).waitFor();
  f.pushHost('web-116', { state: 'draining', why: 'gpu.xid_79' });
  await page.getByRole('button', { name: '2 draining' }).waitFor();
  f.push('limits', { limits: [{ ...f.state.limits[0], used: 5 }], grants: [] });
  await page.getByText('No grant is open').waitFor();
  f.push('audit', { ...f.state.recent[0], seq: 999, action: 'taint', object: 'web-116' });
  await page.locator('.audit').getByText('web-116').waitFor();
});

pageTest('a cut stream is resumed from where it was, and a reset reads the state again', {},
  async (page, f) => {
    f.pushHost('web-116', { state: 'tainted' });
    await page.getByRole('button', { name: '1 tainted' }).waitFor();
    f.cutStreams();
    await until('a second stream', () => f.asked('GET', '/api/v1/stream').length >= 2);
    const again = f.asked('GET', '/api/v1/stream').at(-1);
    assert.equal(again.headers['last-event-id'], `e1:${f.seq}`);
    const states = f.asked('GET', '/api/v1/state').length;
    await until('the stream', () => f.streams.size === 1);
    f.state.hosts = f.state.hosts.slice(0, 5);
    f.push('reset', {});
    await until('the state', () => f.asked('GET', '/api/v1/state').length > states);
    await page.getByText('5 hosts', { exact: true }).waitFor();
    await page.waitForSelector('.fresh-live');
  });

pageTest('a full server is polled', { before: (f) => { f.refuseStreams = true; } },
  async (page, f) => {
    await page.waitForSelector('.fresh-polling');
    const polls = f.asked('GET', '/api/v1/state').length;
    f.state.hosts[0].state = 'suspect';
    await until('another poll', () => f.asked('GET', '/api/v1/state').length > polls, 8000);
    await page.getByRole('button', { name: '2 suspect' }).waitFor();
  });

pageTest('thirty seconds without a beat are loud, and the next beat ends them', { clock: true },
  async (page, f) => {
    await page.waitForSelector('.fresh-live');
    f.muted = true;
    await page.clock.fastForward(31_000);
    await page.waitForSelector('.fresh-stale');
    assert.match(await page.innerText('.banner.loud'),
      /Nothing heard[\s\S]*touch \/run\/fleetmedic/);
    assert.match(await page.innerText('.mode'), /last known/);
    assert(await page.isVisible('.grid.is-quiet'));
    f.muted = false;
    await page.clock.fastForward(5000);
    await page.waitForSelector('.fresh-live');
    assert.equal(await page.locator('.banner.loud').count(), 0);
  });

pageTest('a server that is gone leaves its last picture, its age and the way to hold',
  { size: PHONE }, async (page, f) => {
    f.goDown();
    await page.waitForSelector('.fresh-unreachable');
    const text = await page.innerText('.banner.loud');
    assert.match(text, /cannot be reached[\s\S]*old, from[\s\S]*touch \/run\/fleetmedic\/HOLD/);
    assert.match(text, /fleetmedic hold/);
    assert.match(await page.innerText('h1'), /^As of \d+ s ago/);
    f.down = false;
    await page.waitForSelector('.fresh-live', { timeout: 15_000 });
  });

pageTest('ten thousand hosts paint in less than 50 ms, and the table holds only what is in sight',
  { before: (f) => { f.state.hosts = manyHosts(10_000); } },
  async (page) => {
    const times = [Number(await page.getAttribute('#hosts canvas', 'data-paint-ms'))];
    for (const colorScheme of ['light', 'dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(150);
      times.push(Number(await page.getAttribute('#hosts canvas', 'data-paint-ms')));
    }
    assert(Math.min(...times) < 50, `painted in ${times.join(', ')} ms`);
    await page.keyboard.press('v');
    await page.waitForSelector('table[aria-rowcount="10001"]');
    assert((await page.locator('tbody tr').count()) < 80);
    await page.evaluate(() => { document.querySelector('.table-box').scrollTop = 1e9; });
    await page.waitForSelector('tr[aria-rowindex="10001"]');
  });

pageTest('who asked for less motion gets none', { context: { reducedMotion: 'reduce' } },
  async (page) => {
    const running = await page.evaluate(() => document.getAnimations().length);
    assert.equal(running, 0);
  });

pageTest('an address shows the same thing to the next person', {}, async (page, f) => {
  await page.goto(`${f.url}/#/?q=rack%3Dr17&view=table&group=pool`);
  await page.waitForSelector('.table-box');
  assert.equal(await page.inputValue('#filter'), 'rack=r17');
  assert.equal(await page.locator('tbody th').count(), 4);
  await page.fill('#filter', 'colour:red');
  await page.getByText(/no field "colour"/).waitFor();
});

pageTest('what cannot be shown does not take HOLD with it',
  { before: (f) => { f.state.limits = [null, { ...f.state.limits[0], name: '\ud800' }]; },
    wait: '.banner.degraded' },
  async (page, f) => {
    assert.match(await page.innerText('#app'), /cannot be shown/);
    await page.locator('button.hold').first().click();
    await until('the hold', () => f.asked('POST', '/api/v1/hold').length === 1);
    f.push('limits', { limits: [], grants: [] });
    await page.waitForSelector('#hosts canvas');
    assert.equal(await page.locator('.banner.degraded').count(), 0);
  });
