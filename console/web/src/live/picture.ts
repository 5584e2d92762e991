// The picture: what the server last said, as a snapshot with the stream's events applied to it.
// Pure: (picture, events) -> picture.

import type { AuditEntry, HostSummary, Mode, State } from '../api/types';
import { naturalOrder } from '../logic/look';

export interface Picture extends Omit<State, 'hosts'> {
  hosts: HostSummary[]; // by rack, then by name
}

export interface LiveEvent {
  id: string;
  event: string;
  body: unknown;
}

export interface Applied {
  picture: Picture;
  reset: boolean; // the cursor is too old: read /state again
  touched: Set<string>; // hosts that changed
}

const RECENT_MAX = 100;

const NO_MODE: Mode = {
  mode: 'unknown', reason: '', holds: [], brake: { tripped: false, causes: [] },
};

export function modeOf(raw: Partial<Mode> | undefined): Mode {
  const mode = { ...NO_MODE, ...raw };
  return {
    ...mode,
    holds: mode.holds ?? [],
    brake: { tripped: !!mode.brake?.tripped, causes: mode.brake?.causes ?? [] },
  };
}

function byPlace(a: HostSummary, b: HostSummary): number {
  return naturalOrder(a.rack ?? '', b.rack ?? '') || naturalOrder(a.host, b.host);
}

// A snapshot in which any list may be missing.
export function fromState(state: Partial<State>): Picture {
  return {
    cursor: state.cursor ?? '',
    now: state.now ?? '',
    version: state.version ?? '',
    mode: modeOf(state.mode),
    freshness: {
      log_lag_ms: 0, hosts_reporting: 0, hosts_total: 0, hosts_silent: 0, oldest_ms: 0,
      leader: true, ...state.freshness,
    },
    limits: state.limits ?? [],
    grants: state.grants ?? [],
    hosts: (state.hosts ?? []).filter(isHost).map(fill).sort(byPlace),
    needs_you: state.needs_you ?? [],
    recent: (state.recent ?? []).slice().sort((a, b) => b.seq - a.seq),
  };
}

function fill(host: HostSummary): HostSummary {
  return host.conditions ? host : { ...host, conditions: [] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHost(value: unknown): value is HostSummary {
  return isObject(value) && typeof value['host'] === 'string';
}

function putHosts(old: HostSummary[], changed: Map<string, HostSummary>): HostSummary[] {
  const left = new Map(changed);
  const hosts = old.map((h) => {
    const next = left.get(h.host);
    if (!next) return h;
    left.delete(h.host);
    return next;
  });
  const sameRack = hosts.every((h, i) => h.rack === old[i]?.rack);
  if (left.size === 0 && sameRack) return hosts;
  return [...hosts, ...left.values()].sort(byPlace);
}

// An older revision of a host is dropped, so that a repeat or a late event changes nothing.
function newer(next: HostSummary, before: HostSummary | undefined): boolean {
  return before === undefined || (next.revision ?? 0) >= (before.revision ?? 0);
}

export function applyEvents(start: Picture, events: readonly LiveEvent[]): Applied {
  let picture = start;
  const changed = new Map<string, HostSummary>();
  const known = new Map<string, HostSummary>();
  let indexed = false;
  for (const e of events) {
    if (e.event === 'reset') return { picture: start, reset: true, touched: new Set() };
    if (e.id) picture = { ...picture, cursor: e.id };
    if (!isObject(e.body)) continue;
    if (e.event === 'host') {
      if (!isHost(e.body)) continue;
      if (!indexed) {
        for (const h of start.hosts) known.set(h.host, h);
        indexed = true;
      }
      const next = fill(e.body);
      if (!newer(next, changed.get(next.host) ?? known.get(next.host))) continue;
      changed.set(next.host, next);
    } else {
      picture = applyOther(picture, e.event, e.body);
    }
  }
  if (changed.size > 0) picture = { ...picture, hosts: putHosts(picture.hosts, changed) };
  return { picture, reset: false, touched: new Set(changed.keys()) };
}

function applyOther(p: Picture, event: string, body: Record<string, unknown>): Picture {
  switch (event) {
    case 'mode':
      return { ...p, mode: modeOf({ hold_file: p.mode.hold_file, ...body } as Partial<Mode>) };
    case 'limits':
      return {
        ...p,
        limits: Array.isArray(body['limits']) ? (body['limits'] as Picture['limits']) : p.limits,
        grants: Array.isArray(body['grants']) ? (body['grants'] as Picture['grants']) : p.grants,
      };
    case 'freshness':
      return { ...p, freshness: { ...p.freshness, ...body } };
    case 'needs_you':
      return Array.isArray(body['items'])
        ? { ...p, needs_you: body['items'] as Picture['needs_you'] } : p;
    case 'audit':
      return { ...p, recent: putAudit(p.recent, body as unknown as AuditEntry) };
  }
  return p; // beat, and words that a newer server may say
}

function putAudit(recent: AuditEntry[], entry: AuditEntry): AuditEntry[] {
  if (recent.some((r) => r.seq === entry.seq)) return recent;
  return [entry, ...recent].sort((a, b) => b.seq - a.seq).slice(0, RECENT_MAX);
}
