// "Copy as CLI": the command that does the same, quoted so that a shell takes it as it is.

// A control character acts on the terminal it is pasted into, quotes or not; it and what has no ink
// are written as escapes, in the quotes that bash, zsh and ksh read them in.
const ESCAPED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

function escapeCode(ch: string): string {
  const code = ch.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

export function shellQuote(word: string): string {
  if (word.search(ESCAPED) >= 0) {
    return `$'${word.replace(/[\\']/g, '\\$&').replace(ESCAPED, escapeCode)}'`;
  }
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) && !word.startsWith('-')) return word;
  return `'${word.replace(/'/g, `'\\''`)}'`;
}

function line(...words: (string | undefined)[]): string {
  return words.filter((w): w is string => w !== undefined && w !== '').join(' ');
}

export const DEFAULT_HOLD_FILE = '/run/fleetmedic/HOLD';

export function touchHold(path: string | undefined): string {
  return `touch ${shellQuote(path || DEFAULT_HOLD_FILE)}`;
}

export function removeHold(path: string | undefined): string {
  return `rm ${shellQuote(path || DEFAULT_HOLD_FILE)}`;
}

export function hold(): string {
  return 'fleetmedic hold';
}

export function release(reason: string): string {
  return `fleetmedic release --reason ${shellQuote(reason || 'WHY')}`;
}

export function describeHost(host: string): string {
  return `fleetmedic describe hosts ${shellQuote(host)}`;
}

export interface OverrideWords {
  kind: string;
  scope: string;
  reason: string;
  forText?: string;
}

export function addOverride(o: OverrideWords): string {
  return line(
    'fleetmedic override add', shellQuote(o.kind), '--scope', shellQuote(o.scope),
    o.forText ? `--for ${shellQuote(o.forText)}` : undefined,
    '--reason', shellQuote(o.reason || 'WHY'),
  );
}

export function endOverride(id: string, reason: string): string {
  return line(
    'fleetmedic override end', shellQuote(id), '--reason', shellQuote(reason || 'WHY'));
}

export function patternsTop(r: {
  range: string; words: string; scope: string; sort: string; only: readonly string[];
}): string {
  return line(
    'fleetmedic patterns top', r.range === '1h' ? '' : `--range ${r.range}`,
    r.words ? `--query ${shellQuote(r.words)}` : '',
    r.scope ? `--scope ${shellQuote(r.scope)}` : '',
    r.sort === 'rank' ? '' : `--sort ${r.sort}`, ...r.only.map((word) => `--${word}`));
}

export function patternShow(id: string, range: string): string {
  return line('fleetmedic patterns show', shellQuote(id), range === '1h' ? '' : `--range ${range}`);
}

export function patternDiff(id: string, range: string, sel: string): string {
  const [from, to] = sel.split('..');
  return line('fleetmedic patterns diff', shellQuote(id), range === '1h' ? '' : `--range ${range}`,
    from && to ? `--from ${shellQuote(from)} --to ${shellQuote(to)}` : '');
}

export function describeIssue(id: string): string {
  return `fleetmedic describe issue ${shellQuote(id)}`;
}
