// The scope of an override: `fleet`, or `cell:`, `pool:`, `rack:`, `rule:`, `host:` and a name.
// An empty scope is refused; it never means all.

export const SCOPE_KINDS = ['fleet', 'cell', 'pool', 'rack', 'rule', 'host'] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

export interface Scope {
  kind: ScopeKind;
  name: string; // empty for fleet alone
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; error: string };

export function parseScope(raw: string): Parsed<Scope> {
  const text = raw.trim();
  if (text === '') return { ok: false, error: 'the scope is empty; write fleet, or pool:NAME' };
  if (text === 'fleet') return { ok: true, value: { kind: 'fleet', name: '' } };
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const name = colon < 0 ? '' : text.slice(colon + 1).trim();
  if (kind === 'fleet') return { ok: false, error: 'fleet takes no name' };
  if (!(SCOPE_KINDS as readonly string[]).includes(kind)) {
    return { ok: false, error: `no scope "${kind}"; one of ${SCOPE_KINDS.join(', ')}` };
  }
  if (name === '') return { ok: false, error: `${kind}: needs a name, as in ${kind}:NAME` };
  if (/[\s\u0000-\u001f\u007f]/.test(name)) {
    return { ok: false, error: `the name after ${kind}: holds a space or a control character` };
  }
  return { ok: true, value: { kind: kind as ScopeKind, name } };
}

export function formatScope(scope: Scope): string {
  return scope.kind === 'fleet' ? 'fleet' : `${scope.kind}:${scope.name}`;
}

interface Placed {
  host: string;
  cell: string;
  pool: string;
  rack: string;
}

// Whether a host is covered. A rule's scope is not a set of hosts, so it covers none by itself, and
// neither does a scope that cannot be read.
export function covers(scopeText: string, host: Placed): boolean {
  const parsed = parseScope(scopeText);
  if (!parsed.ok) return false;
  switch (parsed.value.kind) {
    case 'fleet':
      return true;
    case 'cell':
      return host.cell === parsed.value.name;
    case 'pool':
      return host.pool === parsed.value.name;
    case 'rack':
      return host.rack === parsed.value.name;
    case 'host':
      return host.host === parsed.value.name;
    case 'rule':
      return false;
  }
}
