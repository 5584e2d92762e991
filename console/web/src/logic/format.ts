// Times and numbers as a person reads them. Pure: `now` is always passed.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// 0.4 s, 12 s, 4 m, 1 h 05 m, 3 d 4 h. Below zero (clocks that disagree) counts as zero.
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '?';
  const t = Math.max(0, ms);
  if (t < 10 * SECOND && t % SECOND !== 0) return `${(Math.floor(t / 100) / 10).toFixed(1)} s`;
  if (t < MINUTE) return `${Math.floor(t / SECOND)} s`;
  if (t < HOUR) return `${Math.floor(t / MINUTE)} m`;
  if (t < DAY) {
    const minutes = Math.floor((t % HOUR) / MINUTE);
    return `${Math.floor(t / HOUR)} h` + (minutes ? ` ${String(minutes).padStart(2, '0')} m` : '');
  }
  const hours = Math.floor((t % DAY) / HOUR);
  return `${Math.floor(t / DAY)} d` + (hours ? ` ${hours} h` : '');
}

// Whole seconds: for ages that tick.
export function age(ms: number): string {
  return duration(Math.floor(Math.max(0, ms) / SECOND) * SECOND);
}

export function parseTime(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const t = Date.parse(text);
  return Number.isNaN(t) ? undefined : t;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

// 03:12:07 today, "22 Nov 03:12" on another day: in the reader's time zone.
export function clock(text: string | undefined, now: number): string {
  const t = parseTime(text);
  if (t === undefined) return '?';
  const d = new Date(t);
  const today = new Date(now).toDateString() === d.toDateString();
  const hm = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (today) return `${hm}:${two(d.getSeconds())}`;
  return `${d.getDate()} ${MONTHS[d.getMonth()]} ${hm}`;
}

const MONTHS = [
  'Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec',
];

export function count(n: number): string {
  return String(Math.trunc(n)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

export function plural(n: number, one: string, many: string = one + 's'): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

// An RFC 3339 time without the noise, for a title: both zones, so that nobody has to reckon.
export function exact(text: string | undefined): string {
  const t = parseTime(text);
  return t === undefined ? 'time not known' : new Date(t).toISOString().replace('.000Z', 'Z');
}
