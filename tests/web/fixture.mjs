// A server that speaks docs/api.md from memory, on loopback and a free port, with the switches the
// tests need: mute, refuse streams, break the link, answer slowly. It serves console/web/dist under
// the content security policy that the real server sends.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ago, detail, state } from './fleet.mjs';
import { diff, issueDetail, issues, patternDetail, patterns } from './patterns.mjs';

export const TOKEN = 'let-me-in/+=';
export const CSP =
  "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
  '/series.js': ['series.js', 'text/javascript; charset=utf-8'],
  '/app.css': ['app.css', 'text/css; charset=utf-8'],
  '/favicon.svg': ['favicon.svg', 'image/svg+xml'],
};

export class Fixture {
  constructor(dist) {
    this.dist = dist;
    this.state = state();
    this.patterns = patterns();
    this.issues = issues();
    this.reading = false; // of the log, for patterns
    this.seq = 100;
    this.streams = new Set();
    this.requests = []; // {method, path, body, at}
    this.muted = false; // streams stand open and say nothing
    this.refuseStreams = false; // 503
    this.down = false; // connections are cut
    this.holdDelayMs = 0;
    this.nextOverride = 1;
    this.server = createServer((req, res) => this.handle(req, res).catch(() => res.destroy()));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.beat = setInterval(() => this.push('beat', {}), 1000);
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    clearInterval(this.beat);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  asked(method, path) {
    return this.requests.filter((r) => r.method === method && r.path.startsWith(path));
  }

  push(event, body) {
    if (event !== 'beat') this.seq++;
    this.state.cursor = `e1:${this.seq}`;
    if (this.muted) return;
    for (const res of this.streams) {
      res.write(`id: e1:${this.seq}\nevent: ${event}\ndata: ${JSON.stringify(body)}\n\n`);
    }
  }

  pushHost(name, change) {
    const host = this.state.hosts.find((h) => h.host === name);
    Object.assign(host, change, { revision: host.revision + 1 });
    this.push('host', host);
  }

  setMode(change) {
    this.state.mode = { ...this.state.mode, ...change };
    this.push('mode', this.state.mode);
  }

  cutStreams() {
    for (const res of this.streams) res.destroy();
    this.streams.clear();
  }

  goDown() {
    this.down = true;
    this.server.closeAllConnections();
    this.streams.clear();
  }

  async handle(req, res) {
    if (this.down) return res.destroy();
    const url = new URL(req.url, 'http://fixture');
    let text = '';
    for await (const chunk of req) text += chunk;
    const body = text ? JSON.parse(text) : undefined;
    this.requests.push({ method: req.method, path: url.pathname, query: url.search, body, at: performance.now(),
      headers: req.headers });
    res.setHeader('Content-Security-Policy', CSP);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Cache-Control', 'no-cache');
    const file = FILES[url.pathname];
    if (file) {
      res.setHeader('Content-Type', file[1]);
      return res.end(await readFile(join(this.dist, file[0])));
    }
    if (!url.pathname.startsWith('/api/v1/')) {
      return this.problem(res, 404, 'not_found', 'no such page');
    }
    return this.api(req, res, url.pathname.slice('/api/v1'.length), body, url.searchParams);
  }

  problem(res, status, code, detailText) {
    res.writeHead(status, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: detailText }));
  }

  json(res, status, value) {
    res.writeHead(status, { 'Content-Type': 'application/json' });
    res.end(value === undefined ? '' : JSON.stringify(value));
  }

  session(res, body) {
    if (body?.token !== TOKEN) {
      return this.problem(res, 401, 'unauthenticated', 'the token is wrong');
    }
    res.setHeader('Set-Cookie', 'fleetmedic=s1; HttpOnly; SameSite=Lax; Path=/');
    return this.json(res, 204);
  }

  api(req, res, path, body, query) {
    if (path === '/session' && req.method === 'POST') return this.session(res, body);
    if (!/fleetmedic=s1/.test(req.headers.cookie ?? '')) {
      return this.problem(res, 401, 'unauthenticated', 'sign in first');
    }
    if (req.method !== 'GET' && req.headers['x-fleetmedic-csrf'] !== '1') {
      return this.problem(res, 403, 'refused', 'the header X-Fleetmedic-CSRF is missing');
    }
    const host = /^\/hosts\/([^/]+)$/.exec(path);
    const override = /^\/overrides\/([^/]+)$/.exec(path);
    if (req.method === 'GET' && host) return this.host(res, decodeURIComponent(host[1]));
    if (req.method === 'DELETE' && override) return this.endOverride(res, override[1]);
    const named = /^\/(patterns|issues)(?:\/([^/]+)(\/diff)?)?$/.exec(path);
    if (req.method === 'GET' && named) {
      return this.named(res, named[1], decodeURIComponent(named[2] ?? ''), !!named[3], query);
    }
    switch (`${req.method} ${path}`) {
      case 'GET /state':
        return this.json(res, 200, { ...this.state, now: new Date().toISOString() });
      case 'GET /stream':
        return this.stream(res);
      case 'GET /audit':
        return this.json(res, 200, { items: this.state.recent, chain: { ok: true, to_seq: 900 } });
      case 'POST /hold':
        return this.hold(res, body);
      case 'POST /release':
        return this.release(res, body);
      case 'POST /brake/release':
        this.setMode({ mode: 'auto', brake: { tripped: false, causes: [] } });
        return this.json(res, 200, { brake: this.state.mode.brake });
      case 'POST /overrides':
        return this.json(res, 201, this.newOverride(body));
    }
    return this.problem(res, 404, 'not_found', `no ${path}`);
  }

  host(res, name) {
    const found = this.state.hosts.find((h) => h.host === name);
    if (!found) return this.problem(res, 404, 'not_found', `no host ${name}`);
    return this.json(res, 200, detail(found));
  }

  // Patterns and issues: a list, one, or what differs.
  named(res, kind, id, differs, query) {
    if (!id) return this.json(res, 200, this.list(kind, query));
    const all = kind === 'patterns' ? this.patterns : this.issues;
    const found = all.find((x) => (kind === 'patterns' ? x.pattern : x.id) === id);
    if (!found) return this.problem(res, 404, 'not_found', `no ${kind} ${id}`);
    if (differs) return this.json(res, 200, diff(found, query.get('sel')));
    return this.json(res, 200, kind === 'patterns' ? patternDetail(found) : issueDetail(found));
  }

  list(kind, query) {
    if (kind === 'issues') {
      const state = query.get('state') ?? 'all';
      const items = this.issues.filter((i) => state === 'all' || i.state === state);
      return { items, total: items.length };
    }
    const words = (query.get('q') ?? '').toLowerCase().split(' ').filter(Boolean);
    const items = this.patterns.filter((p) =>
      words.every((w) => `${p.pattern} ${p.text}`.toLowerCase().includes(w)) &&
      (!query.get('new') || p.new) && (!query.get('rising') || p.rising) &&
      (!query.get('unmatched') || p.kind === 'template'));
    return {
      now: ago(0), from: ago(3600), reading: this.reading, patterns_total: 118,
      matching_total: items.length, lines_total: 2100000, items,
    };
  }

  stream(res) {
    if (this.refuseStreams) {
      res.setHeader('Retry-After', '60');
      return this.problem(res, 503, 'busy', 'too many streams are open');
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
    res.flushHeaders();
    this.streams.add(res);
    res.on('close', () => this.streams.delete(res));
    if (!this.muted) res.write(`event: beat\ndata: {}\n\n`);
    return undefined;
  }

  newOverride(body) {
    return {
      id: `o-${this.nextOverride++}`, who: 'op1', reason: '', created_at: ago(0), scope: 'fleet',
      ...body,
    };
  }

  // In force before the reply, as the contract says.
  hold(res, body) {
    const made = { ...this.newOverride({ kind: 'hold', ...body }), review_at: ago(-4 * 3600) };
    const source = {
      source: 'override', id: made.id, scope: made.scope, who: made.who, reason: made.reason,
      since: made.created_at, review_at: made.review_at,
    };
    this.setMode({ mode: 'hold', holds: [...this.state.mode.holds, source] });
    setTimeout(() => this.json(res, 200, made), this.holdDelayMs);
  }

  endOverride(res, id) {
    const holds = this.state.mode.holds.filter((h) => h.id !== id);
    this.setMode({ holds, mode: holds.length ? 'hold' : 'auto' });
    return this.json(res, 204);
  }

  release(res, body) {
    if (!body?.reason) return this.problem(res, 400, 'invalid', 'a reason is needed');
    const still = this.state.mode.holds.filter((h) => h.source !== 'override');
    const released = this.state.mode.holds.filter((h) => h.source === 'override')
      .map((h) => ({ ...h, kind: 'hold', created_at: h.since }));
    this.setMode({ holds: still, mode: still.length ? 'hold' : 'auto' });
    return this.json(res, 200, { released, still });
  }
}
