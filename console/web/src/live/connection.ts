// Runs the link: reads the snapshot, holds the stream open, polls where there is no stream. What is
// decided is decided in link.ts and picture.ts; here are only the clock, the socket and timers.

import { ApiError, get, openStream } from '../api/client';
import type { State } from '../api/types';
import {
  newLink, onFailure, onHeard, onReset, onSnapshot, STALE_MS, type Failure, type Link,
} from './link';
import { applyEvents, fromState, type LiveEvent, type Picture } from './picture';
import { withStreamSlot } from './slots';
import { SseParser } from './sse';

export interface Listener {
  onPicture(picture: Picture, touched: Set<string> | 'all'): void;
  onNews(of: 'patterns' | 'issues'): void;
  onLink(link: Link): void;
}

const FLUSH_MS = 100;
const HIDDEN_MS_MAX = 60_000;
const NEEDS_YOU_EVERY_MS = 60_000;

function failureOf(e: unknown): Failure {
  if (!(e instanceof ApiError)) return {};
  const failure: Failure = {};
  if (e.status !== undefined) failure.status = e.status;
  if (e.retryAfterMs !== undefined) failure.retryAfterMs = e.retryAfterMs;
  return failure;
}

export class Connection {
  private link: Link = newLink(Date.now());
  private picture: Picture | undefined;
  private pending: LiveEvent[] = [];
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private wake: (() => void) | undefined;
  private stream: AbortController | undefined;
  private hiddenAt: number | undefined;
  private needsYouAt = 0;
  private openedAt = 0;

  constructor(private readonly listener: Listener) {}

  start(): void {
    document.addEventListener('visibilitychange', () => this.onVisibility());
    addEventListener('online', () => this.refresh());
    setInterval(() => this.watch(), 1000);
    void this.run();
  }

  // Reads the snapshot again, now: after an act, after signing in, when a person asks.
  refresh(): void {
    this.setLink(onReset({ ...this.link, failures: 0 }, Date.now()));
    this.stream?.abort();
    this.wake?.();
  }

  private setLink(link: Link): void {
    this.link = link;
    this.listener.onLink(link);
  }

  private show(picture: Picture, touched: Set<string> | 'all'): void {
    this.picture = picture;
    this.listener.onPicture(picture, touched);
  }

  private async run(): Promise<never> {
    for (;;) {
      await this.sleep();
      const phase = this.link.phase;
      try {
        if (phase === 'stream') await withStreamSlot(() => this.readStream());
        else if (phase !== 'signed-out') await this.readState();
      } catch (e) {
        if (this.link.phase === phase) {
          this.setLink(onFailure(this.link, failureOf(e), Date.now(), Math.random()));
        }
      }
    }
  }

  private sleep(): Promise<void> {
    const idle = this.link.phase === 'signed-out' || this.longHidden();
    const ms = idle ? 2 ** 30 : Math.max(0, this.link.nextAt - Date.now());
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      const self = this;
      function done(): void {
        clearTimeout(timer);
        self.wake = undefined;
        resolve();
      }
      this.wake = done;
    });
  }

  private async readState(): Promise<void> {
    const state = await get<Partial<State>>('/api/v1/state');
    this.pending = [];
    this.show(fromState(state), 'all');
    this.setLink(onSnapshot(this.link, Date.now(), Math.random()));
    this.needsYouAt = Date.now() + NEEDS_YOU_EVERY_MS;
  }

  private async readStream(): Promise<void> {
    const abort = new AbortController();
    this.stream = abort;
    this.openedAt = Date.now();
    const response = await openStream(this.picture?.cursor ?? '', abort.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) throw new ApiError(response.status, 'unreadable', 'the stream has no body');
    const parser = new SseParser();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) throw new ApiError(undefined, 'closed', 'the stream ended');
        for (const e of parser.feed(value)) this.take(e.id, e.event, e.data);
        this.setLink(onHeard(this.link, Date.now()));
        if (this.link.phase !== 'stream') return;
      }
    } finally {
      abort.abort();
      this.flush();
    }
  }

  private take(id: string, event: string, data: string): void {
    let body: unknown;
    try {
      body = data === '' ? undefined : JSON.parse(data);
    } catch {
      body = undefined; // a beat may carry anything
    }
    this.pending.push({ id, event, body });
    // Only that there is news: what a page shows of it, it asks for.
    if (event === 'patterns' || event === 'issues') this.listener.onNews(event);
    // A change of the mode waits for nothing.
    if (event === 'mode' || event === 'reset') this.flush();
    else this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    const events = this.pending;
    this.pending = [];
    if (!this.picture || events.length === 0) return;
    const applied = applyEvents(this.picture, events);
    if (applied.reset) {
      this.setLink(onReset(this.link, Date.now()));
      this.stream?.abort();
      return;
    }
    this.show(applied.picture, applied.touched);
  }

  // Once a second: a stream that stands open and is silent is cut, so that it is opened anew.
  private watch(): void {
    const now = Date.now();
    const streaming = this.link.phase === 'stream' && this.stream && !this.stream.signal.aborted;
    const quietSince = Math.max(this.link.heardAt, this.openedAt);
    if (streaming && now - quietSince >= STALE_MS) this.stream?.abort();
    if (this.longHidden()) this.stream?.abort();
    if (streaming && now >= this.needsYouAt && !document.hidden) {
      this.needsYouAt = now + NEEDS_YOU_EVERY_MS;
      void this.readNeedsYou();
    }
    this.listener.onLink(this.link);
  }

  // The stream does not carry `needs_you`; it is read again once a minute.
  private async readNeedsYou(): Promise<void> {
    try {
      const state = await get<Partial<State>>('/api/v1/state');
      if (!this.picture || !state.needs_you) return;
      this.show({ ...this.picture, needs_you: state.needs_you }, new Set());
    } catch {
      // The stream says how things stand; the next minute tries again.
    }
  }

  private longHidden(): boolean {
    return this.hiddenAt !== undefined && Date.now() - this.hiddenAt >= HIDDEN_MS_MAX;
  }

  private onVisibility(): void {
    if (document.hidden) {
      this.hiddenAt = Date.now();
      return;
    }
    const slept = this.longHidden();
    this.hiddenAt = undefined;
    if (slept) this.refresh();
    else this.wake?.();
  }
}
