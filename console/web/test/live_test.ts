import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  healthOf, newLink, onFailure, onHeard, onReset, onSnapshot, POLL_MS, STALE_MS, STREAM_AGAIN_MS,
} from '../src/live/link';
import { applyEvents, fromState } from '../src/live/picture';
import { SseParser } from '../src/live/sse';
import { makeHost } from './make';

const STATE = {
  cursor: 'e1:10', now: '2026-11-23T03:00:00Z', version: '1',
  hosts: [makeHost({ host: 'web-10' }), makeHost({ host: 'web-9', revision: 5 })],
};

test('a stream is read the same however it is cut', () => {
  const text = ': hello\n\nid: e1:1\nevent: host\ndata: {"a":\ndata: 1}\n\n' +
    'id: e1:2\r\nevent: beat\r\ndata: {}\r\n\r\n\r\nevent: beat\n\ndata: x\n\n';
  const whole = new SseParser().feed(text);
  assert.deepEqual(whole, [
    { id: 'e1:1', event: 'host', data: '{"a":\n1}' }, { id: 'e1:2', event: 'beat', data: '{}' },
    { id: 'e1:2', event: 'beat', data: '' }, { id: 'e1:2', event: 'message', data: 'x' },
  ]);
  for (let size = 1; size < 20; size++) {
    const parser = new SseParser();
    const out = [];
    for (let i = 0; i < text.length; i += size) out.push(...parser.feed(text.slice(i, i + size)));
    assert.deepEqual(out, whole, `cut every ${size}`);
  }
});

test('one endless event ends the stream, not the page', () => {
  const parser = new SseParser();
  assert.throws(() => {
    for (let i = 0; i < 10_000; i++) parser.feed('data: ' + 'x'.repeat(1024) + '\n');
    parser.feed('y'.repeat(5_000_000));
  }, /too long/);
});

test('a snapshot may leave out any list', () => {
  const p = fromState({});
  assert.deepEqual([p.hosts, p.limits, p.grants, p.needs_you, p.mode.holds], [[], [], [], [], []]);
  assert.equal(p.mode.mode, 'unknown');
  assert.deepEqual(fromState(STATE).hosts.map((h) => h.host), ['web-9', 'web-10']);
});

test('a host event replaces its host and moves the cursor; the snapshot is not touched', () => {
  const before = fromState(STATE);
  const frozen = JSON.stringify(before);
  const { picture, touched } = applyEvents(before, [
    { id: 'e1:11', event: 'host', body: makeHost({ host: 'web-9', revision: 6, state: 'x' }) },
    { id: 'e1:12', event: 'host', body: makeHost({ host: 'db-1', rack: 'r0' }) },
  ]);
  assert.equal(picture.cursor, 'e1:12');
  assert.deepEqual(picture.hosts.map((h) => h.host), ['db-1', 'web-9', 'web-10']);
  assert.equal(picture.hosts[1]?.state, 'x');
  assert.deepEqual([...touched], ['web-9', 'db-1']);
  assert.equal(JSON.stringify(before), frozen);
});

test('a late or repeated host event of an older revision changes nothing', () => {
  const { picture, touched } = applyEvents(fromState(STATE), [
    { id: 'e1:11', event: 'host', body: makeHost({ host: 'web-9', revision: 4, state: 'x' }) },
  ]);
  assert.equal(picture.hosts[0]?.state, 'healthy');
  assert.equal(touched.size, 0);
});

test('mode, limits, freshness and audit replace their own part alone', () => {
  const entry = { seq: 7, at: '', who: 'op1', action: 'hold', object: 'x', why: '', result: '' };
  const { picture } = applyEvents(fromState(STATE), [
    { id: '', event: 'mode', body: { mode: 'hold', reason: '', holds: [{ id: 'o-1' }] } },
    { id: '', event: 'limits', body: { limits: [{ name: 'x' }] } },
    { id: '', event: 'freshness', body: { hosts_silent: 3 } },
    { id: '', event: 'audit', body: entry }, { id: '', event: 'audit', body: entry },
    { id: '', event: 'a-new-word', body: { hosts: [] } }, { id: 'e1:20', event: 'beat', body: 3 },
  ]);
  assert.equal(picture.mode.mode, 'hold');
  assert.equal(picture.mode.holds.length, 1);
  assert.equal(picture.mode.brake.tripped, false);
  assert.equal(picture.limits.length, 1);
  assert.equal(picture.freshness.hosts_silent, 3);
  assert.equal(picture.recent.length, 1);
  assert.equal(picture.hosts.length, 2);
  assert.equal(picture.cursor, 'e1:20');
});

test('a reset asks for the snapshot and applies nothing', () => {
  const before = fromState(STATE);
  const { picture, reset } = applyEvents(before, [
    { id: 'e1:11', event: 'host', body: makeHost({ host: 'web-9', revision: 9 }) },
    { id: 'e2:1', event: 'reset', body: undefined },
  ]);
  assert(reset);
  assert.equal(picture, before);
});

test('the stream follows the snapshot, and a reset goes back to it', () => {
  const streaming = onSnapshot(newLink(0), 100, 0.5);
  assert.equal(streaming.phase, 'stream');
  assert.equal(healthOf(streaming, true, 200), 'live');
  assert.equal(onReset(streaming, 300).phase, 'snapshot');
});

test('a 503 turns to polling at once; the stream is tried again not sooner than asked', () => {
  const streaming = onSnapshot(newLink(0), 0, 0.5);
  const full = onFailure(streaming, { status: 503, retryAfterMs: 90_000 }, 0, 0.5);
  assert.equal(full.phase, 'poll');
  assert.equal(full.streamAt, 90_000);
  const polled = onSnapshot(full, 1000, 1);
  assert.equal(polled.phase, 'poll');
  assert.equal(polled.nextAt, 1000 + POLL_MS);
  assert.equal(healthOf(polled, true, 1500), 'polling');
  assert.equal(onSnapshot(onReset(full, 500), 600, 1).phase, 'poll', 'an act does not shorten it');
  assert.equal(onSnapshot(full, 90_001, 1).phase, 'stream');
});

test('three failures in a row turn to polling; one sign of life starts the count anew', () => {
  let link = onSnapshot(newLink(0), 0, 0.5);
  link = onFailure(onFailure(link, {}, 1, 0), {}, 2, 0);
  assert.equal(link.phase, 'stream');
  assert.equal(onFailure(onHeard(link, 3), {}, 4, 0).phase, 'stream');
  link = onFailure(link, {}, 3, 0);
  assert.equal(link.phase, 'poll');
  assert.equal(link.streamAt, 3 + STREAM_AGAIN_MS);
});

test('polls keep a jitter, so that pages do not come back in step', () => {
  const poll = { ...newLink(0), phase: 'poll' as const, streamAt: 1e9 };
  const nexts = [0, 0.25, 0.5, 1].map((r) => onSnapshot(poll, 0, r).nextAt);
  assert.deepEqual(nexts, [2500, 3125, 3750, 5000]);
});

test('thirty seconds of silence are stale, however open the socket', () => {
  const link = onSnapshot(newLink(0), 0, 0);
  assert.equal(healthOf(link, true, STALE_MS - 1), 'live');
  assert.equal(healthOf(link, true, STALE_MS), 'stale');
  assert.equal(healthOf(onHeard(link, STALE_MS), true, STALE_MS + 1), 'live');
});

test('no answer twice is unreachable; an error that answers is not', () => {
  let gone = onSnapshot(newLink(0), 0, 0);
  gone = onFailure(onFailure(gone, {}, 1, 0), {}, 2, 0);
  assert.equal(healthOf(gone, true, 3), 'unreachable');
  const busy = onFailure(onFailure(newLink(0), { status: 500 }, 1, 0), { status: 500 }, 2, 0);
  assert.equal(healthOf(busy, false, 3), 'connecting');
});

test('a 401 asks the person to sign in', () => {
  const link = onFailure(newLink(0), { status: 401 }, 1, 0);
  assert.equal(healthOf(link, false, 2), 'signed-out');
  assert.equal(onReset(link, 3).phase, 'snapshot');
});
