// What the page knows and what the address says, as signals. Everything that is drawn reads these.

import { computed, signal } from '@preact/signals';
import type { HostSummary } from './api/types';
import { Connection } from './live/connection';
import { healthOf, newLink, type Link } from './live/link';
import type { Picture } from './live/picture';
import { compileFilter } from './logic/filter';
import { parseTime } from './logic/format';
import { addressPart } from './logic/text';

export const picture = signal<Picture | undefined>(undefined);
export const link = signal<Link>(newLink(Date.now()));
export const tick = signal(Date.now()); // the reader's clock, once a second
export const touched = signal<Set<string> | 'all'>(new Set()); // hosts of the last change
const clockOffset = signal(0); // the server's clock less the reader's

// Ages are reckoned by the server's clock: a phone may be minutes off.
export const now = computed(() => tick.value + clockOffset.value);
export const health = computed(() => healthOf(link.value, !!picture.value, tick.value));
export const silence = computed(() => Math.max(0, tick.value - link.value.heardAt));
export const quiet = computed(() => health.value === 'stale' || health.value === 'unreachable');

export const dialog = signal<'none' | 'release' | 'brake' | 'help'>('none');

export const connection = new Connection({
  onPicture(next, changed) {
    const serverNow = parseTime(next.now);
    if (changed === 'all' && serverNow !== undefined) clockOffset.value = serverNow - Date.now();
    picture.value = next;
    touched.value = changed;
    tick.value = Date.now();
  },
  onLink(next) {
    link.value = next;
    tick.value = Date.now();
  },
});

// ---- the address: #/?q=&view=&group= and #/hosts/ID?q=... ---------------------------------------

export interface Route {
  page: 'now' | 'host';
  host: string;
  q: string;
  view: 'grid' | 'table';
  group: 'rack' | 'pool' | 'cell' | 'zone';
}

const GROUPS = ['rack', 'pool', 'cell', 'zone'] as const;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, '') || '/';
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
  const host = /^\/hosts\/(.+)$/.exec(path);
  const group = GROUPS.find((g) => g === query.get('group')) ?? 'rack';
  return {
    page: host ? 'host' : 'now',
    host: host ? decode(host[1] ?? '') : '',
    q: query.get('q') ?? '',
    view: query.get('view') === 'table' ? 'table' : 'grid',
    group,
  };
}

export function formatRoute(r: Route): string {
  const query = new URLSearchParams();
  if (r.q) query.set('q', r.q);
  if (r.view !== 'grid') query.set('view', r.view);
  if (r.group !== 'rack') query.set('group', r.group);
  const tail = query.size ? `?${query}` : '';
  return (r.page === 'host' ? `#/hosts/${addressPart(r.host)}` : '#/') + tail;
}

export const route = signal<Route>(parseRoute(''));

export function go(change: Partial<Route>, replace: boolean = false): void {
  const next = { ...route.value, ...change };
  if (replace) history.replaceState(null, '', formatRoute(next));
  else history.pushState(null, '', formatRoute(next));
  route.value = next;
}

export function hrefOf(host: string): string {
  return formatRoute({ ...route.value, page: 'host', host });
}

export function startRouting(): void {
  // A link from outside may name the page by path.
  const path = /^\/hosts\/[^/]+$/.exec(location.pathname);
  if (path) history.replaceState(null, '', `/#${path[0]}${location.search}`);
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
  read();
}

// ---- the hosts that are looked at ---------------------------------------------------------------

export const filter = computed(() => compileFilter(route.value.q));

const NO_HOSTS: HostSummary[] = [];
export const allHosts = computed(() => picture.value?.hosts ?? NO_HOSTS);

export const shownHosts = computed(() => {
  const compiled = filter.value;
  if (!compiled.ok || route.value.q === '') return allHosts.value;
  return allHosts.value.filter(compiled.value);
});

export function hostByName(name: string): HostSummary | undefined {
  return allHosts.value.find((h) => h.host === name);
}
