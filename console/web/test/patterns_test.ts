import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Difference } from '../src/api/pattern_types';
import * as cli from '../src/logic/cli';
import {
  dense, factWords, heights, parseSelection, percent, selection, seriesWords, share, textParts,
  valueRows,
} from '../src/logic/series';

const AT = Date.parse('2026-01-01T00:00:00Z');

test('steps without a point are zero, and never left out', () => {
  const d = dense([{ at: '2026-01-01T00:01:00Z', hosts: 4 }, { at: 'nonsense', hosts: 9 }],
    AT, AT + 180_000, 60_000);
  assert.deepEqual(d.hosts, [0, 4, 0, 0]);
  assert.equal(d.times[1], AT / 1000 + 60);
  assert.match(seriesWords(d, 'minute'), /at most 4, at .*; 0 at last/);
  assert.equal(seriesWords(dense([], AT, AT, 60_000), 'minute'), 'No host in any minute.');
});

test('a series is bounded, whatever it is asked for', () => {
  assert(dense([], 0, AT, 1).times.length <= 1502);
});

test('what is there is never drawn as nothing', () => {
  assert.deepEqual(heights([0, 1000, 500]), [0, 1, 0.5]);
  assert(heights([1, 1000])[0]! > 0.1);
  assert.deepEqual(heights([0, 0]), [0, 0]);
  assert.equal(share(3, 0), 0);
  assert.equal(share(9, 3), 1);
});

test('a small share is not said as none, nor a large one as all', () => {
  const table: [number, string][] = [
    [0, '0 %'], [1, '100 %'], [0.003, '0.3 %'], [0.0001, '< 0.1 %'], [0.9999, '> 99.9 %'],
    [0.71, '71 %'], [0.05, '5 %'],
  ];
  for (const [of, text] of table) assert.equal(percent(of), text);
});

test('what varies in a pattern is told from what stands', () => {
  assert.deepEqual(textParts('nvme «nvme0»: I/O «tag»'), [
    { text: 'nvme ', varies: false }, { text: '«nvme0»', varies: true },
    { text: ': I/O ', varies: false }, { text: '«tag»', varies: true },
  ]);
  assert.deepEqual(textParts('plain « open'), [{ text: 'plain « open', varies: false }]);
  assert.deepEqual(textParts(''), []);
});

test('values come by their lines; the rest are others', () => {
  const v = valueRows({ name: '1', values: { a: 1, b: 5, c: 3 }, other_lines: 2 }, 2);
  assert.deepEqual(v.rows.map((r) => r.value), ['b', 'c']);
  assert.equal(v.other, 3);
  assert.equal(v.all, 11);
});

test('a difference is said in words', () => {
  const d = (fact: string, value: string, lately: boolean): Difference => ({
    fact, value, lately, hit_with: 1, hit: 1, others_with: 0, others: 1, log10_p: 0,
  });
  assert.equal(factWords(d('kernel', '6.1', false)).value, '6.1');
  assert.equal(factWords(d('kernel', '6.1', true)).value, '6.1, since lately');
  assert.equal(factWords(d('kernel', '', true)).value, 'changed lately');
  assert.equal(factWords(d('host', '', true)).value, 'booted lately');
});

test('a selection is two times, and what is none is nothing', () => {
  const sel = selection(AT, AT + 300_000);
  assert.equal(sel, '2026-01-01T00:00:00Z..2026-01-01T00:05:00Z');
  assert.deepEqual(parseSelection(sel), { from: AT, to: AT + 300_000 });
  for (const bad of ['', 'pool=web', 'a..b', `${sel.slice(22)}..${sel.slice(0, 20)}`]) {
    assert.equal(parseSelection(bad), undefined, bad);
  }
});

test('the command line that does the same is quoted', () => {
  const r = { range: '6h', words: "it's", scope: 'rack=r17', sort: 'rank', only: ['new'] };
  assert.equal(cli.patternsTop(r),
    `fleetmedic patterns top --range 6h --query 'it'\\''s' --scope rack=r17 --new`);
  assert.equal(cli.patternDiff('t-1', '1h', 'A..B'), 'fleetmedic patterns diff t-1 --from A --to B');
  assert.equal(cli.patternShow('-x', '1h'), `fleetmedic patterns show '-x'`);
});
