// What a person does: hold, release, overrides. Each says what came of it in a toast; none asks
// before HOLD.

import { signal } from '@preact/signals';
import { ApiError, request } from './api/client';
import type { HoldSource, Mode, Override, Released } from './api/types';
import { addressPart, visible } from './logic/text';
import { connection, picture } from './store';

export interface Toast {
  id: number;
  tone: 'info' | 'ok' | 'bad';
  text: string;
  kind: 'plain' | 'held';
  command?: string;
  override?: Override;
}

export const toasts = signal<Toast[]>([]);
let lastToast = 0;

export function toast(t: Partial<Toast> & { text: string }): number {
  const id = ++lastToast;
  const full: Toast = { tone: 'info', kind: 'plain', ...t, id };
  toasts.value = [...toasts.value.slice(-3), full];
  if (full.kind === 'plain' && full.tone !== 'bad') setTimeout(() => dismiss(id), 8000);
  return id;
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

function saidBy(e: unknown): string {
  return e instanceof ApiError ? visible(e.message, 300) : 'something went wrong in the page';
}

// ---- hold ---------------------------------------------------------------------------------------

export type Holding = 'no' | 'sending' | 'failed';
export const holding = signal<Holding>('no');
export const holdError = signal('');

const HOLD_DEADLINE_MS = 4000;
const HOLD_TRIES_MAX = 3;

function patchMode(change: (mode: Mode) => Mode): void {
  const p = picture.value;
  if (p) picture.value = { ...p, mode: change(p.mode) };
}

function asSource(o: Override): HoldSource {
  return {
    source: 'override', id: o.id, scope: o.scope, who: o.who, reason: o.reason, since: o.created_at,
    ...(o.review_at ? { review_at: o.review_at } : {}),
  };
}

// One press. To repeat it is harmless, so it is repeated where no answer came, and from the first
// failure on the page shows the two ways that need no server.
export async function hold(): Promise<void> {
  if (holding.value === 'sending') return;
  holding.value = 'sending';
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await request<Override>('POST', '/api/v1/hold', {}, HOLD_DEADLINE_MS);
      onHeld(made);
      return;
    } catch (e) {
      holdError.value = saidBy(e);
      const answered = e instanceof ApiError && e.status !== undefined && e.status < 500;
      if (answered || attempt === HOLD_TRIES_MAX) {
        holding.value = 'failed';
        return;
      }
    }
  }
}

function onHeld(made: Override): void {
  holding.value = 'no';
  holdError.value = '';
  patchMode((mode) => {
    const known = mode.holds.some((h) => h.id === made.id);
    return { ...mode, mode: 'hold', holds: known ? mode.holds : [...mode.holds, asSource(made)] };
  });
  toasts.value = toasts.value.filter((t) => t.kind !== 'held');
  toast({ kind: 'held', tone: 'ok', text: 'Held. Nothing new starts.', override: made });
}

// Gives the hold its reason, and a narrower scope if wanted: the new hold stands before the first
// one ends, so there is no instant without one.
export async function explainHold(first: Override, scope: string, reason: string): Promise<string> {
  try {
    const second = await request<Override>('POST', '/api/v1/hold', { scope, reason });
    // A hold that was in force before it was durable was answered without an id: the second one
    // is its record.
    if (first.id && second.id !== first.id) {
      await request<void>('DELETE', `/api/v1/overrides/${addressPart(first.id)}`, {
        reason: `replaced by ${second.id}: ${reason}`,
      });
    }
    toast({ tone: 'ok', text: `Hold recorded: ${visible(reason)} (${visible(second.scope)}).` });
    connection.refresh();
    return '';
  } catch (e) {
    return saidBy(e);
  }
}

export async function release(reason: string): Promise<Released | string> {
  try {
    const done = await request<Released>('POST', '/api/v1/release', { reason });
    patchMode((mode) => ({ ...mode, holds: done.still ?? [] }));
    connection.refresh();
    return { released: done.released ?? [], still: done.still ?? [] };
  } catch (e) {
    return saidBy(e);
  }
}

export async function releaseBrake(reason: string): Promise<string> {
  try {
    await request<unknown>('POST', '/api/v1/brake/release', { reason });
    toast({ tone: 'ok', text: 'Brake released. Each decision is taken afresh.' });
    connection.refresh();
    return '';
  } catch (e) {
    return saidBy(e);
  }
}

// ---- overrides ----------------------------------------------------------------------------------

export interface NewOverride {
  kind: string;
  scope: string;
  reason: string;
  for_ms?: number;
}

export async function addOverride(o: NewOverride, done: string): Promise<string> {
  try {
    await request<Override>('POST', '/api/v1/overrides', o);
    toast({ tone: 'ok', text: done });
    return '';
  } catch (e) {
    return saidBy(e);
  }
}

export async function endOverride(id: string, reason: string, done: string): Promise<string> {
  try {
    await request<void>('DELETE', `/api/v1/overrides/${addressPart(id)}`, { reason });
    toast({ tone: 'ok', text: done });
    return '';
  } catch (e) {
    return saidBy(e);
  }
}

export async function copy(command: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(command);
    toast({ tone: 'ok', text: 'Copied.', command });
  } catch {
    toast({ tone: 'info', text: 'Select and copy:', command, kind: 'plain' });
  }
}
