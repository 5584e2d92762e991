// What the page knows and what the address says, as signals. Everything that is drawn reads these.

import { computed, signal, type Signal } from '@preact/signals';
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

// How often log patterns and fleet issues were told to have changed: a new snapshot may hide news.
export type News = 'patterns' | 'issues';
export const news: Record<News, Signal<number>> = { patterns: signal(0), issues: signal(0) };

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
    if (changed === 'all') {
      news.patterns.value++;
      news.issues.value++;
    }
  },
  onNews(of) {
    news[of].value++;
  },
  onLink(next) {
    link.value = next;
    tick.value = Date.now();
  },
});

// ---- the address --------------------------------------------------------------------------------
// #/?q=&view=&group=, #/hosts/ID?q=, #/patterns?range=&words=, #/patterns/ID?sel=, #/issues/ID

export const PAGES = ['now', 'host', 'patterns', 'pattern', 'issues', 'issue'] as const;
export const RANGES = ['10m', '1h', '6h', '24h'] as const;
export const SORTS = ['rank', 'hosts', 'lines', 'new', 'name'] as const;
export const ONLY = ['new', 'rising', 'unmatched'] as const;
export type Only = (typeof ONLY)[number];

export interface Route {
  page: (typeof PAGES)[number];
  host: string;
  id: string; // of the pattern or the issue
  q: string;
  view: 'grid' | 'table';
  group: 'rack' | 'pool' | 'cell' | 'zone';
  words: string; // of patterns
  range: (typeof RANGES)[number];
  scope: string; // rack=r17
  sort: (typeof SORTS)[number];
  only: Only[];
  sel: string; // FROM..TO
}

const GROUPS = ['rack', 'pool', 'cell', 'zone'] as const;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pageOf(path: string): Pick<Route, 'page' | 'host' | 'id'> {
  const [, first, second] = /^\/(hosts|patterns|issues)(?:\/(.+))?$/.exec(path) ?? [];
  const name = decode(second ?? '');
  if (first === 'hosts' && name) return { page: 'host', host: name, id: '' };
  if (first === 'patterns') return { page: name ? 'pattern' : 'patterns', host: '', id: name };
  if (first === 'issues') return { page: name ? 'issue' : 'issues', host: '', id: name };
  return { page: 'now', host: '', id: '' };
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#/, '') || '/';
  const mark = text.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
  const oneOf = <T extends string>(words: readonly T[], key: string, otherwise: T): T =>
    words.find((w) => w === query.get(key)) ?? otherwise;
  return {
    ...pageOf(mark < 0 ? text : text.slice(0, mark)),
    q: query.get('q') ?? '',
    view: oneOf(['grid', 'table'], 'view', 'grid'),
    group: oneOf(GROUPS, 'group', 'rack'),
    words: query.get('words') ?? '',
    range: oneOf(RANGES, 'range', '1h'),
    scope: query.get('scope') ?? '',
    sort: oneOf(SORTS, 'sort', 'rank'),
    only: ONLY.filter((word) => query.get(word) === '1'),
    sel: query.get('sel') ?? '',
  };
}

function patternQuery(r: Route, query: URLSearchParams): void {
  if (r.words) query.set('words', r.words);
  if (r.range !== '1h') query.set('range', r.range);
  if (r.scope) query.set('scope', r.scope);
  if (r.sort !== 'rank') query.set('sort', r.sort);
  for (const word of r.only) query.set(word, '1');
  if (r.sel && r.page === 'pattern') query.set('sel', r.sel);
}

const PATHS: Record<Route['page'], string> = {
  now: '', host: 'hosts', patterns: 'patterns', pattern: 'patterns', issues: 'issues',
  issue: 'issues',
};

// Only what its page reads is in an address.
export function formatRoute(r: Route): string {
  const query = new URLSearchParams();
  if (r.page === 'now' || r.page === 'host') {
    if (r.q) query.set('q', r.q);
    if (r.view !== 'grid') query.set('view', r.view);
    if (r.group !== 'rack') query.set('group', r.group);
  }
  if (r.page === 'patterns' || r.page === 'pattern') patternQuery(r, query);
  const name = r.page === 'host' ? r.host : r.page === 'pattern' || r.page === 'issue' ? r.id : '';
  const part = name ? `/${addressPart(name)}` : '';
  return `#/${PATHS[r.page]}${part}${query.size ? `?${query}` : ''}`;
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

// Another page; what the present one is narrowed to stays with it.
export function hrefTo(page: Route['page'], id: string = ''): string {
  return formatRoute({ ...route.value, page, id, host: '', sel: '' });
}

export function startRouting(): void {
  // A link from outside may name the page by path.
  const path = /^\/(hosts\/[^/]+|(patterns|issues)(\/[^/]+)?)$/.exec(location.pathname);
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
