// How the page stays in touch with the server, decided without a clock or a socket: each function
// takes the link as it is, what happened and when, and gives the link as it should be.
//   snapshot -> stream, and after a 503 or three failures: poll, with the stream tried again later.

export type Phase = 'snapshot' | 'stream' | 'poll' | 'signed-out';

export interface Link {
  phase: Phase;
  failures: number; // in a row
  heardAt: number; // ms: the last sign of life, of any kind
  nextAt: number; // ms: when to try the next thing
  streamAt: number; // ms: while polling, when to try the stream again
  reachable: boolean; // whether the last attempt got any answer
}

export const STALE_MS = 30_000;
export const POLL_MS = 5_000;
export const BACKOFF_MS_MAX = 10_000;
export const STREAM_AGAIN_MS = 30_000;
const FAILURES_BEFORE_POLL = 3;

export function newLink(now: number): Link {
  return {
    phase: 'snapshot', failures: 0, heardAt: now, nextAt: now, streamAt: now, reachable: true,
  };
}

// Between half and the whole of `ms`: a thousand pages must not come back in step.
function jitter(ms: number, random: number): number {
  return Math.round(ms / 2 + (ms / 2) * random);
}

function backoff(failures: number, random: number): number {
  return jitter(Math.min(BACKOFF_MS_MAX, 500 * 2 ** failures), random);
}

export function onSnapshot(link: Link, now: number, random: number): Link {
  const ok = { ...link, heardAt: now, reachable: true };
  if (now < link.streamAt) {
    return { ...ok, phase: 'poll', failures: 0, nextAt: now + jitter(POLL_MS, random) };
  }
  return { ...ok, phase: 'stream', nextAt: now };
}

export function onHeard(link: Link, now: number): Link {
  return { ...link, heardAt: now, reachable: true, failures: 0 };
}

// The stream told to read the snapshot again, or a person asked.
export function onReset(link: Link, now: number): Link {
  return { ...link, phase: 'snapshot', nextAt: now };
}

export interface Failure {
  status?: number; // absent where there was no answer at all
  retryAfterMs?: number;
}

export function onFailure(link: Link, failure: Failure, now: number, random: number): Link {
  const failures = link.failures + 1;
  const reachable = failure.status !== undefined;
  if (failure.status === 401 || failure.status === 403) {
    return { ...link, phase: 'signed-out', failures, reachable: true };
  }
  const full = failure.status === 503;
  if (link.phase === 'stream' && (full || failures >= FAILURES_BEFORE_POLL)) {
    return {
      ...link, phase: 'poll', failures, reachable,
      nextAt: now + jitter(1000, random),
      streamAt: now + Math.max(failure.retryAfterMs ?? 0, STREAM_AGAIN_MS),
    };
  }
  const nextAt = now + Math.max(
    failure.retryAfterMs ?? 0, backoff(link.phase === 'poll' ? 3 : failures, random));
  return { ...link, failures, reachable, nextAt };
}

export type Health = 'live' | 'polling' | 'connecting' | 'stale' | 'unreachable' | 'signed-out';

// What the page says of itself. Silence outranks everything: a stream that stands open and says
// nothing for 30 s is stale, however healthy its socket looks.
export function healthOf(link: Link, hasPicture: boolean, now: number): Health {
  if (link.phase === 'signed-out') return 'signed-out';
  if (!link.reachable && link.failures >= 2) return 'unreachable';
  if (hasPicture && now - link.heardAt >= STALE_MS) return 'stale';
  if (!hasPicture) return 'connecting';
  if (link.phase === 'poll') return 'polling';
  return link.failures > 0 ? 'connecting' : 'live';
}
