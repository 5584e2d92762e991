// What is asked for again: while the stream is live when it tells of news, and once a minute for
// what ages by itself; else every few seconds. Only while the page is in sight, and one request at a
// time. What was read stays until the next answer is there; an error stands beside it and does not
// take it away.

import { effect } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';
import { health, news, type News } from '../store';

export interface Polled<T> {
  data: T | undefined;
  error: string;
  status: number | undefined; // of the error
}

const POLL_MS = 5000; // without a stream
const LIVE_MS = 60_000; // with one

// An empty path reads nothing. Another path forgets what the last one said. `leastMs`: news is left
// for so long after each look, where an answer is dear.
export function usePoll<T>(path: string, of: News, leastMs: number = 0): Polled<T> {
  const [polled, setPolled] = useState<Polled<T> & { path: string }>(
    { data: undefined, error: '', status: undefined, path });
  useEffect(() => {
    if (!path) return undefined;
    let alive = true;
    let busy = false;
    let again = false; // news came while a request was under way, or out of sight
    let readAt = 0;
    const read = async () => {
      if (busy || document.hidden || Date.now() - readAt < leastMs) {
        again = true;
        return;
      }
      busy = true;
      again = false;
      readAt = Date.now();
      try {
        const data = await get<T>(path);
        if (alive) setPolled({ data, error: '', status: undefined, path });
      } catch (e) {
        const error = e instanceof ApiError ? e.message : 'the answer could not be read';
        const status = e instanceof ApiError ? e.status : undefined;
        if (alive) {
          setPolled((old) => (
            { data: old.path === path ? old.data : undefined, error, status, path }));
        }
      }
      busy = false;
      if (alive && again) void read();
    };
    const tick = () => {
      const due = again || health.peek() !== 'live' || Date.now() - readAt >= LIVE_MS;
      if (due && !document.hidden) void read();
    };
    // The first run is the page's first look; each later one is news.
    const stop = effect(() => {
      void news[of].value;
      void read();
    });
    const seen = () => { if (again) tick(); };
    const timer = setInterval(tick, POLL_MS);
    document.addEventListener('visibilitychange', seen);
    return () => {
      alive = false;
      stop();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [path, of, leastMs]);
  if (polled.path !== path) return { data: undefined, error: '', status: undefined };
  return polled;
}
