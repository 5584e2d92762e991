import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cli from '../src/logic/cli';
import { compileFilter, toggleState } from '../src/logic/filter';
import { age, clock, count, duration, plural } from '../src/logic/format';
import { countByLook, lookOf, waitsFor, wordOf, worstFirst } from '../src/logic/look';
import { covers, formatScope, parseScope } from '../src/logic/scope';
import { layoutTimeline, listEvents } from '../src/logic/timeline';
import { makeHost } from './make';

test('a scope is fleet, or a kind and a name', () => {
  assert.deepEqual(parseScope('fleet'), { ok: true, value: { kind: 'fleet', name: '' } });
  assert.deepEqual(parseScope(' pool:web '), { ok: true, value: { kind: 'pool', name: 'web' } });
  const rule = parseScope('rule:disk:nvme@7');
  assert(rule.ok && rule.value.name === 'disk:nvme@7');
  assert(rule.ok && formatScope(rule.value) === 'rule:disk:nvme@7');
});

test('an empty scope is refused and never means all', () => {
  for (const bad of ['', '   ', 'pool:', 'pool', 'fleet:all', 'all', '*', 'zone:z1', 'host:a b']) {
    const parsed = parseScope(bad);
    assert(!parsed.ok, `"${bad}" must be refused`);
    assert(parsed.error.length > 0);
    assert(!covers(bad, makeHost({})), `"${bad}" must cover nothing`);
  }
});

test('a scope covers its own hosts alone', () => {
  const host = makeHost({ host: 'web-1', pool: 'web', rack: 'r1', cell: 'c1' });
  for (const scope of ['fleet', 'pool:web', 'rack:r1', 'cell:c1', 'host:web-1']) {
    assert(covers(scope, host), scope);
  }
  for (const scope of ['pool:db', 'rack:r2', 'cell:c2', 'host:web-2', 'rule:web']) {
    assert(!covers(scope, host), scope);
  }
});

test('durations are read at a glance', () => {
  const table: [number, string][] = [
    [0, '0 s'], [400, '0.4 s'], [9_999, '9.9 s'], [12_345, '12 s'], [60_000, '1 m'],
    [3_599_000, '59 m'], [3_600_000, '1 h'], [3_900_000, '1 h 05 m'], [90_000_000, '1 d 1 h'],
    [-5, '0 s'], [NaN, '?'],
  ];
  for (const [ms, text] of table) assert.equal(duration(ms), text);
  assert.equal(age(1999), '1 s');
});

test('a clock says the day when it is not today', () => {
  const now = new Date(2026, 10, 23, 3, 12).getTime();
  assert.equal(clock(new Date(2026, 10, 23, 3, 1, 7).toISOString(), now), '03:01:07');
  assert.equal(clock(new Date(2026, 10, 22, 3, 1, 7).toISOString(), now), '22 Nov 03:01');
  assert.equal(clock('nonsense', now), '?');
  assert.equal(count(10000), '10,000');
  assert.equal(plural(1, 'host'), '1 host');
  assert.equal(plural(4000, 'host'), '4,000 hosts');
});

test('unknown is never drawn as healthy', () => {
  const unknown = { verdict: 'unknown', type: 'Disk', unit: '', severity: '', reason: '',
    message: '', since: '', evidence: [] };
  assert.equal(lookOf(makeHost({})), 'healthy');
  assert.equal(lookOf(makeHost({ silent: true })), 'unknown');
  assert.equal(lookOf(makeHost({ state: 'a-new-state' })), 'unknown');
  assert.equal(lookOf(makeHost({ conditions: [unknown] })), 'unknown');
  assert.equal(lookOf(makeHost({ conditions: [{ ...unknown, verdict: 'new' }] })), 'unknown');
  assert.equal(lookOf(makeHost({ conditions: [{ ...unknown, verdict: 'bad' }] })), 'healthy');
  assert.equal(wordOf(makeHost({ silent: true })), 'silent');
});

test('each state of the machine has its look', () => {
  const table: [string, string][] = [
    ['suspect', 'suspect'], ['tainted', 'tainted'], ['draining', 'draining'],
    ['drained', 'drained'], ['repairing', 'recovering'], ['probation', 'recovering'],
    ['retired', 'failed'],
  ];
  for (const [state, look] of table) assert.equal(lookOf(makeHost({ state })), look);
  const counts = countByLook(table.map(([state]) => makeHost({ state })));
  assert.equal(counts.get('recovering'), 2);
  assert.equal(counts.get('healthy'), 0);
});

test('lists begin with what needs eyes, names in the order of their numbers', () => {
  const names = [
    makeHost({ host: 'web-10' }), makeHost({ host: 'web-9' }),
    makeHost({ host: 'db-1', state: 'draining' }), makeHost({ host: 'x', state: 'retired' }),
  ].sort(worstFirst).map((h) => h.host);
  assert.deepEqual(names, ['x', 'db-1', 'web-9', 'web-10']);
});

test('what a host waits for is read from any shape', () => {
  assert.equal(waitsFor('fleet-window'), 'fleet-window');
  assert.equal(waitsFor(['a', { limit: 'b', scope: 'pool:web' }]), 'a, b (pool:web)');
  assert.equal(waitsFor({ name: 'c' }), 'c');
  assert.equal(waitsFor(undefined), '');
  assert.equal(waitsFor(7), '');
});

function matching(query: string): string[] {
  const compiled = compileFilter(query);
  assert(compiled.ok, `"${query}" must compile`);
  return [
    makeHost({ host: 'web-1', pool: 'web', rack: 'r17', state: 'draining', why: 'NVMe timeout' }),
    makeHost({ host: 'web-2', pool: 'web', rack: 'r18', protected: true }),
    makeHost({ host: 'db-1', pool: 'db', rack: 'r17', silent: true }),
  ].filter(compiled.value).map((h) => h.host);
}

test('the filter joins its words, and knows fields, lists, wildcards and negation', () => {
  const table: [string, string[]][] = [
    ['', ['web-1', 'web-2', 'db-1']], ['nvme', ['web-1']], ['state:draining', ['web-1']],
    ['pool=web rack!=r17', ['web-2']], ['host:web-*', ['web-1', 'web-2']],
    ['rack:r17,r18', ['web-1', 'web-2', 'db-1']], ['is:protected', ['web-2']],
    ['state:silent', ['db-1']], ['state:unknown', ['db-1']], ['state!=healthy', ['web-1', 'db-1']],
    ['host:web-.', []],
  ];
  for (const [query, hosts] of table) assert.deepEqual(matching(query), hosts, query);
});

test('a filter that cannot be read says so', () => {
  for (const bad of ['constructor:x', 'colour=red', 'pool=']) {
    const compiled = compileFilter(bad);
    assert(!compiled.ok && compiled.error.length > 0, bad);
  }
});

test('a chip puts its state into the filter and takes it out again', () => {
  assert.equal(toggleState('pool=web', 'draining'), 'pool=web state:draining');
  assert.equal(toggleState('pool=web state:draining', 'draining'), 'pool=web');
  assert.equal(toggleState('state:suspect nvme', 'failed'), 'nvme state:failed');
});

test('a copied command is one that a shell takes as it is', () => {
  assert.equal(cli.shellQuote('web-114'), 'web-114');
  assert.equal(cli.shellQuote(''), "''");
  assert.equal(cli.shellQuote('--force'), "'--force'");
  assert.equal(cli.shellQuote("a'; rm -rf / #"), "'a'\\''; rm -rf / #'");
  assert.equal(cli.shellQuote("a\u001b[A\n'b\\\u202e"), "$'a\\x1b[A\\x0a\\'b\\\\\\u202e'");
  assert.equal(cli.shellQuote('\ud800x'), "$'\ufffdx'");
  assert.equal(cli.touchHold(undefined), 'touch /run/fleetmedic/HOLD');
  assert.equal(cli.touchHold('/srv/my hold'), "touch '/srv/my hold'");
  assert.equal(
    cli.addOverride({ kind: 'protect', scope: 'host:db-7', reason: 'a flash', forText: '2h' }),
    "fleetmedic override add protect --scope host:db-7 --for 2h --reason 'a flash'");
  assert.equal(cli.endOverride('o-7', 'done'), 'fleetmedic override end o-7 --reason done');
});

test('the timeline puts marks into their lanes and lets what has no end go on', () => {
  const now = Date.parse('2026-11-23T03:10:00Z');
  const at = (m: number) => new Date(now - m * 60_000).toISOString();
  const item = { title: 't', detail: '', tone: 'bad' };
  const line = layoutTimeline([
    { ...item, at: at(10), lane: 'condition' }, { ...item, at: at(5), lane: 'log' },
    { ...item, at: at(5), until: at(0), lane: 'new-lane' }, { ...item, at: 'never', lane: 'log' },
  ], now);
  const marks = (lane: string) => line.lanes.find((l) => l.lane === lane)?.marks ?? [];
  assert.deepEqual(marks('condition').map((m) => [m.left, m.width, m.open]), [[0, 100, true]]);
  assert.deepEqual(marks('log').map((m) => [m.left, m.width]), [[50, 0]]);
  assert.deepEqual(marks('action').map((m) => [m.left, m.width]), [[50, 50]]);
  assert(line.ticks.length >= 2 && line.ticks.length <= 6);
});

test('what repeats in a row is one line with a count, newest first', () => {
  const item = (at: string, title: string) => ({ at, lane: 'log', title, detail: '', tone: 'bad' });
  const list = listEvents([
    item('2026-11-23T03:00:00Z', 'a'), item('2026-11-23T03:00:01Z', 'a'),
    item('2026-11-23T03:00:02Z', 'b'), item('2026-11-23T03:00:03Z', 'a'),
  ]);
  assert.deepEqual(list.map((e) => [e.item.title, e.times]), [['a', 1], ['b', 1], ['a', 2]]);
  assert.equal(list[2]?.item.at, '2026-11-23T03:00:01Z');
});
