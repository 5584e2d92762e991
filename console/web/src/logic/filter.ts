// The filter over hosts: words joined by space, all of which must hold.
//   state:draining   pool=web   rack!=r17   nvme      (a bare word looks in names, why, conditions)
// An unknown key is an error said aloud, not a filter that matches nothing.

import type { HostSummary } from '../api/types';
import { lookOf, wordOf } from './look';
import type { Parsed } from './scope';

export type Match = (host: HostSummary) => boolean;

const FIELDS: Record<string, (h: HostSummary) => string[]> = {
  host: (h) => [h.host],
  state: statesOf,
  cell: (h) => [h.cell],
  pool: (h) => [h.pool],
  rack: (h) => [h.rack],
  zone: (h) => [h.zone],
  kernel: (h) => [h.kernel],
  image: (h) => [h.image],
  agent: (h) => [h.agent_version],
  condition: (h) => (h.conditions ?? []).flatMap((c) => [c.type, c.reason]),
  is: (h) => [
    h.held ? 'held' : '', h.protected ? 'protected' : '', h.silent ? 'silent' : '',
  ],
};

// A host that nobody hears from does not answer to "healthy".
function statesOf(h: HostSummary): string[] {
  const look = lookOf(h);
  return look === 'unknown' ? [look, wordOf(h)] : [h.state, look];
}

function haystack(h: HostSummary): string {
  const conditions = (h.conditions ?? []).flatMap((c) => [c.type, c.unit, c.reason, c.message]);
  return [h.host, wordOf(h), h.why, h.pool, h.rack, h.cell, ...conditions]
    .join('\n').toLowerCase();
}

function glob(pattern: string): (value: string) => boolean {
  const want = pattern.toLowerCase();
  if (!want.includes('*')) return (value) => value.toLowerCase() === want;
  const parts = want.split('*').map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const re = new RegExp(`^${parts.join('.*')}$`);
  return (value) => re.test(value.toLowerCase());
}

function compileWord(word: string): Parsed<Match> {
  const m = /^([a-z_]+)(!=|=|:)(.*)$/i.exec(word);
  if (!m) {
    const needle = word.toLowerCase();
    return { ok: true, value: (h) => haystack(h).includes(needle) };
  }
  const key = (m[1] ?? '').toLowerCase();
  const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
  if (!field) {
    return { ok: false, error: `no field "${key}"; one of ${Object.keys(FIELDS).join(', ')}` };
  }
  if (!m[3]) return { ok: false, error: `${key}${m[2]} needs a value` };
  const tests = m[3].split(',').filter(Boolean).map(glob);
  const hit: Match = (h) => field(h).some((v) => v !== '' && tests.some((t) => t(v)));
  return { ok: true, value: m[2] === '!=' ? (h) => !hit(h) : hit };
}

export function compileFilter(query: string): Parsed<Match> {
  const matches: Match[] = [];
  for (const word of query.split(/\s+/).filter(Boolean)) {
    const one = compileWord(word);
    if (!one.ok) return one;
    matches.push(one.value);
  }
  return { ok: true, value: (h) => matches.every((m) => m(h)) };
}

// Presses of the chips above the hosts: put `state:LOOK` into the query, or take it out.
export function toggleState(query: string, look: string): string {
  const words = query.split(/\s+/).filter(Boolean);
  const has = words.includes(`state:${look}`);
  const rest = words.filter((w) => !/^state[:=]/.test(w));
  return (has ? rest : [...rest, `state:${look}`]).join(' ');
}
