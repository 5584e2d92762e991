// "Copy as CLI": the command that does the same, quoted so that a shell takes it as it is.

export function shellQuote(word: string): string {
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
