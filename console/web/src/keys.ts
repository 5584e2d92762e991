// Single keys, for the whole page. They can be switched off (WCAG 2.1.4), and never fire while a
// person types or together with Ctrl, Alt or Meta.

import { signal } from '@preact/signals';
import { hold } from './acts';
import { dialog, go, route, type Route } from './store';

const STORED = 'fleetmedic.keys';

function readStored(): boolean {
  try {
    return localStorage.getItem(STORED) !== 'off';
  } catch {
    return true;
  }
}

export const keysOn = signal(readStored());

export function setKeysOn(on: boolean): void {
  keysOn.value = on;
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // Kept for this page alone.
  }
}

// What the host list does with j, k and Enter; set by the view that is shown.
export interface ListKeys {
  move(step: 1 | -1): void;
  open(): void;
}
export const listKeys: { current: ListKeys | undefined } = { current: undefined };

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function focusFilter(): boolean {
  const field = document.getElementById('filter');
  if (!(field instanceof HTMLInputElement)) return false;
  field.focus();
  field.select();
  return true;
}

// Where Esc leads from a page.
const UP: Partial<Record<Route['page'], Route['page']>> = {
  host: 'now', patterns: 'now', issues: 'now', pattern: 'patterns', issue: 'issues',
};

function onEscape(target: EventTarget | null): void {
  if (document.querySelector('dialog[open]')) return; // the dialog closes itself
  if (target instanceof HTMLInputElement) {
    if (target.id !== 'filter' || target.value === '') target.blur();
    else if (route.value.page === 'patterns') go({ words: '' }, true);
    else go({ q: '' }, true);
    return;
  }
  const up = UP[route.value.page];
  if (up) go({ page: up, host: '', id: '', sel: '' });
  else if (route.value.q !== '') go({ q: '' }, true);
}

const ACTIONS: Record<string, () => void> = {
  H: () => void hold(),
  h: () => void hold(),
  '?': () => { dialog.value = 'help'; },
  '/': () => {
    if (focusFilter()) return;
    go({ page: 'now', host: '' });
    setTimeout(focusFilter, 0); // the page of the hosts is drawn first
  },
  v: () => go({ view: route.value.view === 'grid' ? 'table' : 'grid' }, true),
  j: () => listKeys.current?.move(1),
  k: () => listKeys.current?.move(-1),
};

// g, and then where to. H after a g still holds: HOLD is one press, whatever came before.
const PLACES: Record<string, Route['page']> = { n: 'now', p: 'patterns', i: 'issues' };
const PREFIX_MS = 1500;
let prefixAt = -PREFIX_MS;

function placeOf(key: string): Route['page'] | undefined {
  const prefixed = performance.now() - prefixAt < PREFIX_MS;
  prefixAt = key === 'g' ? performance.now() : -PREFIX_MS;
  return prefixed && Object.hasOwn(PLACES, key) ? PLACES[key] : undefined;
}

export function startKeys(): void {
  addEventListener('keydown', (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return;
    if (e.key === 'Escape') {
      onEscape(e.target);
      return;
    }
    if (!keysOn.value || typing(e.target) || e.repeat && /^h$/i.test(e.key)) return;
    const inDialog = document.querySelector('dialog[open]') !== null;
    if (inDialog && !/^h$/i.test(e.key)) return;
    const place = placeOf(e.key);
    if (place) {
      e.preventDefault();
      go({ page: place, host: '', id: '', sel: '' });
      return;
    }
    const action = Object.hasOwn(ACTIONS, e.key) ? ACTIONS[e.key] : undefined;
    if (action) {
      e.preventDefault();
      action();
    }
  });
}
