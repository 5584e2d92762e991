// Text from outside is hostile: a container can print anything, and a host's name, a reason or a
// log line ends up here. Nothing of it may act on the page, hide, or reorder what stands beside it.
// `segments` splits a text into what can be shown as it is and what must be shown as a symbol.

export interface Segment {
  text: string;
  control?: string; // the name of what the symbol stands for, e.g. "U+202E"
}

export const TEXT_CHARS_MAX = 8192;

const BIDI = new Map<number, string>([
  [0x061c, 'ALM'], [0x200e, 'LRM'], [0x200f, 'RLM'],
  [0x202a, 'LRE'], [0x202b, 'RLE'], [0x202c, 'PDF'], [0x202d, 'LRO'], [0x202e, 'RLO'],
  [0x2066, 'LRI'], [0x2067, 'RLI'], [0x2068, 'FSI'], [0x2069, 'PDI'],
]);

const HIDDEN = new Map<number, string>([
  [0x00ad, 'SHY'], [0x034f, 'CGJ'], [0x115f, 'HF'], [0x1160, 'HF'], [0x180e, 'MVS'],
  [0x200b, 'ZWSP'], [0x200c, 'ZWNJ'], [0x200d, 'ZWJ'], [0x2028, 'LS'], [0x2029, 'PS'],
  [0x2060, 'WJ'], [0x2800, 'BLANK'], [0x3164, 'HF'], [0xfeff, 'BOM'], [0xffa0, 'HF'],
]);

const C0_NAMES = [
  'NUL', 'SOH', 'STX', 'ETX', 'EOT', 'ENQ', 'ACK', 'BEL', 'BS', 'TAB', 'LF', 'VT', 'FF', 'CR',
  'SO', 'SI', 'DLE', 'DC1', 'DC2', 'DC3', 'DC4', 'NAK', 'SYN', 'ETB', 'CAN', 'EM', 'SUB', 'ESC',
  'FS', 'GS', 'RS', 'US',
];

function codeName(code: number): string {
  return 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

// The symbol for a code point that must not be shown as it is; undefined for all others.
function symbolOf(code: number): Segment | undefined {
  if (code < 0x20) {
    const name = C0_NAMES[code] ?? '';
    return { text: `\u2039${name}\u203a`, control: `${name} ${codeName(code)}` };
  }
  if (code === 0x7f) return { text: '\u2039DEL\u203a', control: 'DEL U+007F' };
  if (code >= 0x80 && code <= 0x9f) {
    return { text: `\u2039${code.toString(16)}\u203a`, control: codeName(code) };
  }
  const named = BIDI.get(code) ?? HIDDEN.get(code);
  if (named !== undefined) {
    return { text: `\u2039${named}\u203a`, control: `${named} ${codeName(code)}` };
  }
  if (code >= 0xd800 && code <= 0xdfff) return { text: '\ufffd', control: codeName(code) };
  // Every other format character, tags and the invisible operators among them.
  if (code > 0x7f && FORMAT.test(String.fromCodePoint(code))) {
    return { text: `\u2039${code.toString(16)}\u203a`, control: codeName(code) };
  }
  if ((code & 0xfffe) === 0xfffe || (code >= 0xfff9 && code <= 0xfffb)) {
    return { text: '\ufffd', control: codeName(code) };
  }
  return undefined;
}

// What has no ink of its own; an emoji's presentation selectors alone may stay.
const FORMAT = /^(?![\ufe0e\ufe0f])[\p{Cf}\p{Default_Ignorable_Code_Point}]$/u;
const MARK = /^\p{M}$/u;
const MARKS_IN_A_ROW_MAX = 3;

// At most `max` characters; a cut is said, never silent. More than three combining marks in a row
// (the trick that paints over the lines above) become one symbol.
export function segments(raw: unknown, max: number = TEXT_CHARS_MAX): Segment[] {
  const text = typeof raw === 'string' ? raw : raw === undefined || raw === null ? '' : String(raw);
  const out: Segment[] = [];
  let plain = '';
  let count = 0;
  let marks = 0;
  let dropped = 0;
  const flush = () => {
    if (plain !== '') out.push({ text: plain });
    plain = '';
  };
  const flushMarks = () => {
    if (dropped === 0) return;
    flush();
    out.push({ text: '\u25cc', control: `${dropped} more combining marks` });
    dropped = 0;
  };
  for (const ch of text) {
    if (count++ >= max) {
      flushMarks();
      flush();
      out.push({ text: '\u2026', control: `cut after ${max} characters` });
      return out;
    }
    const code = ch.codePointAt(0) ?? 0;
    if (code > 0x2ff && MARK.test(ch) && ++marks > MARKS_IN_A_ROW_MAX) {
      dropped++;
      continue;
    }
    if (code <= 0x2ff || !MARK.test(ch)) {
      marks = 0;
      flushMarks();
    }
    const symbol = symbolOf(code);
    if (symbol === undefined) {
      plain += ch;
    } else {
      flush();
      out.push(symbol);
    }
  }
  flushMarks();
  flush();
  return out;
}

// The same as one string, for places that take no elements: titles, labels, the live region.
export function visible(raw: unknown, max: number = 200): string {
  return segments(raw, max).map((s) => s.text).join('');
}

// One part of an address; a lone surrogate, which no address can hold, becomes U+FFFD.
export function addressPart(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}
