// How a host is shown: one of eight looks, each with a letter, a word and a colour; its shape is
// drawn by view/icons.tsx. Unknown is never drawn as healthy.

import type { HostSummary } from '../api/types';

export const LOOKS = [
  'failed', 'tainted', 'draining', 'drained', 'recovering', 'suspect', 'unknown', 'healthy',
] as const; // the order of lists: what needs eyes first
export type Look = (typeof LOOKS)[number];

export const LETTER: Record<Look, string> = {
  healthy: 'H', suspect: 'S', tainted: 'T', draining: 'D', drained: 'X', recovering: 'R',
  failed: 'F', unknown: 'U',
};

type Shown = Pick<HostSummary, 'state' | 'silent' | 'conditions'>;

export function lookOf(host: Shown): Look {
  if (host.silent) return 'unknown';
  switch (host.state) {
    case 'healthy':
      return (host.conditions ?? []).some((c) => c.verdict !== 'ok') ? unsureOr(host) : 'healthy';
    case 'suspect':
    case 'tainted':
    case 'draining':
    case 'drained':
      return host.state;
    case 'repairing':
    case 'probation':
      return 'recovering';
    case 'retired':
      return 'failed';
  }
  return 'unknown';
}

// A healthy host may carry a bad condition below the policy's severity; it may not carry doubt.
function unsureOr(host: Shown): Look {
  return host.conditions.some((c) => c.verdict !== 'bad') ? 'unknown' : 'healthy';
}

// The word beside the shape: the state itself, which says more than the look does.
export function wordOf(host: Shown): string {
  if (host.silent) return 'silent';
  const look = lookOf(host);
  return look === 'unknown' ? 'unknown' : host.state;
}

export function isMoving(host: HostSummary): boolean {
  const look = lookOf(host);
  return host.state === 'tainted' || host.state === 'draining' || host.state === 'drained' ||
    look === 'recovering';
}

const RANK = new Map<string, number>(LOOKS.map((look, i) => [look, i]));

export function worstFirst(a: HostSummary, b: HostSummary): number {
  const byLook = (RANK.get(lookOf(a)) ?? 0) - (RANK.get(lookOf(b)) ?? 0);
  return byLook !== 0 ? byLook : naturalOrder(a.host, b.host);
}

// web-9 before web-10, without a collator: 10,000 names are sorted in a few milliseconds.
export function naturalOrder(a: string, b: string): number {
  const x = /^(.*?)(\d+)$/.exec(a);
  const y = /^(.*?)(\d+)$/.exec(b);
  if (x && y && x[1] === y[1]) {
    const d = Number(x[2]) - Number(y[2]);
    if (d !== 0) return d;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

export function countByLook(hosts: readonly HostSummary[]): Map<Look, number> {
  const counts = new Map<Look, number>(LOOKS.map((look) => [look, 0]));
  for (const host of hosts) {
    const look = lookOf(host);
    counts.set(look, (counts.get(look) ?? 0) + 1);
  }
  return counts;
}

// What a waiting host waits for, from whatever the server says: a name, a list, an object.
export function waitsFor(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(waitsFor).filter(Boolean).join(', ');
  if (value && typeof value === 'object') {
    const o = value as Record<string, unknown>;
    const name = waitsFor(o['limit'] ?? o['name']);
    const scope = typeof o['scope'] === 'string' ? ` (${o['scope']})` : '';
    return name ? name + scope : '';
  }
  return '';
}
