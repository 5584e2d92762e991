// Reads a path now and again every few seconds while the page is in sight. What was read stays
// until the next answer is there; an error stands beside it and does not take it away.

import { useEffect, useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';

export interface Polled<T> {
  data: T | undefined;
  error: string;
  status: number | undefined; // of the error
}

export const POLL_MS = 5000;

// An empty path reads nothing. Another path forgets what the last one said.
export function usePoll<T>(path: string, everyMs: number = POLL_MS): Polled<T> {
  const [polled, setPolled] = useState<Polled<T> & { path: string }>(
    { data: undefined, error: '', status: undefined, path });
  useEffect(() => {
    if (!path) return undefined;
    let alive = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
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
      if (alive) timer = setTimeout(tick, everyMs);
    };
    const tick = () => {
      timer = undefined;
      if (!document.hidden) void read();
      else timer = setTimeout(tick, everyMs);
    };
    void read();
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  if (polled.path !== path) return { data: undefined, error: '', status: undefined };
  return polled;
}
