// A browser gives one server about six connections over HTTP/1.1, for all its tabs together.
// Streams may take three of them, so that HOLD never waits behind a tab: a tab without a slot
// polls. The browser gives a slot back when its tab goes. Without Web Locks (plain http off
// localhost) every visible tab has its stream.

import { ApiError } from '../api/client';

export const STREAMS_PER_BROWSER_MAX = 3;
const AGAIN_MS = 15_000;

export async function withStreamSlot<T>(run: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return run();
  for (let i = 0; i < STREAMS_PER_BROWSER_MAX; i++) {
    const held = await navigator.locks.request(
      `fleetmedic-stream-${i}`, { ifAvailable: true },
      async (lock) => (lock ? { value: await run() } : undefined));
    if (held) return held.value;
  }
  throw new ApiError(503, 'busy', 'other tabs of this browser hold the streams', AGAIN_MS);
}
