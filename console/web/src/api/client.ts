// Requests to the HTTP API. The session cookie says who asks; everything that is not a GET carries
// the CSRF header. Each request has a deadline; an error says what the server said.

export class ApiError extends Error {
  constructor(
    readonly status: number | undefined, // undefined: no answer at all
    readonly code: string,
    detail: string,
    readonly retryAfterMs?: number,
  ) {
    super(detail);
  }
}

const DEADLINE_MS = 10_000;

export function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get('Retry-After') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) * 1000 : undefined;
}

async function problemOf(response: Response): Promise<ApiError> {
  let code = 'error';
  let detail = `the server answered ${response.status}`;
  try {
    const body: unknown = await response.json();
    if (body && typeof body === 'object') {
      const p = body as Record<string, unknown>;
      if (typeof p['code'] === 'string') code = p['code'];
      if (typeof p['detail'] === 'string' && p['detail']) detail = p['detail'];
    }
  } catch {
    // Not a problem document: the status is all there is to say.
  }
  return new ApiError(response.status, code, detail, retryAfterMs(response.headers));
}

function init(method: string, body: unknown, signal: AbortSignal): RequestInit {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-Fleetmedic-CSRF'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return {
    method, headers, signal, credentials: 'same-origin', cache: 'no-cache',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

export async function request<T>(
  method: string, path: string, body?: unknown, deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init(method, body, AbortSignal.timeout(deadlineMs)));
  } catch (e) {
    const late = e instanceof DOMException && e.name === 'TimeoutError';
    throw new ApiError(undefined, late ? 'timeout' : 'unreachable',
      late ? `no answer within ${deadlineMs / 1000} s` : 'the server cannot be reached');
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(response.status, 'unreadable', 'the answer could not be read');
  }
}

export const get = <T>(path: string) => request<T>('GET', path);

export async function openStream(cursor: string, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (cursor) headers['Last-Event-ID'] = cursor;
  const path = `/api/v1/stream?since=${encodeURIComponent(cursor)}`;
  const response = await fetch(path, {
    headers, signal, credentials: 'same-origin', cache: 'no-store',
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

// The address that `fleetmedic up` prints ends in #t=TOKEN. The token is taken out of the address
// before anything else happens, and is given once, for the cookie.
export function takeToken(): string | undefined {
  const m = /^#t=([^&]+)/.exec(location.hash);
  if (!m) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  try {
    return decodeURIComponent(m[1] ?? '');
  } catch {
    return m[1];
  }
}

export async function signIn(token: string): Promise<void> {
  await request<void>('POST', '/api/v1/session', { token });
}
