// Series, bars and pattern texts, reckoned for drawing. Pure.

import type { Difference, Variable } from '../api/pattern_types';
import { parseTime } from './format';

export interface Dense {
  times: number[]; // seconds since 1970
  hosts: number[];
}

const POINTS_MAX = 1500;

// Steps without a point had no host: they are drawn as zero, never left to a line between others.
export function dense(
  points: readonly { at: string; hosts: number }[], from: number, to: number, stepMs: number,
): Dense {
  const step = Math.max(1000, stepMs);
  const begin = Math.floor(Math.max(from, to - POINTS_MAX * step) / step) * step;
  const known = new Map<number, number>();
  for (const p of points) {
    const at = parseTime(p.at);
    if (at !== undefined) known.set(Math.floor(at / step) * step, p.hosts);
  }
  const out: Dense = { times: [], hosts: [] };
  for (let at = begin; at <= to; at += step) {
    out.times.push(at / 1000);
    out.hosts.push(known.get(at) ?? 0);
  }
  return out;
}

// What the series says, for who does not see it.
export function seriesWords(d: Dense, step: string): string {
  const peak = Math.max(0, ...d.hosts);
  const at = d.times[d.hosts.indexOf(peak)];
  if (peak === 0 || at === undefined) return `No host in any ${step}.`;
  const when = new Date(at * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  return `Distinct hosts in each ${step}: at most ${peak}, at ` +
    `${two(when.getHours())}:${two(when.getMinutes())}; ${d.hosts.at(-1) ?? 0} at last.`;
}

// Heights from 0 to 1 for a sparkline; what is there is never drawn as nothing.
export function heights(numbers: readonly number[]): number[] {
  const peak = Math.max(0, ...numbers);
  return numbers.map((n) => (n <= 0 || peak === 0 ? 0 : Math.max(0.12, n / peak)));
}

export function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

// "100 %", "0.3 %": a share that is small is not said as none.
export function percent(of: number): string {
  const p = of * 100;
  if (p > 0 && p < 0.1) return '< 0.1 %';
  if (p > 99.9 && p < 100) return '> 99.9 %';
  return `${p < 10 && p % 1 !== 0 ? p.toFixed(1) : Math.round(p)} %`;
}

// The text of a pattern in parts: what stands, and the «…» that varies.
export interface TextPart {
  text: string;
  varies: boolean;
}

export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const m of text.matchAll(/«[^«»]*»/g)) {
    if (m.index > at) parts.push({ text: text.slice(at, m.index), varies: false });
    parts.push({ text: m[0], varies: true });
    at = m.index + m[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), varies: false });
  return parts;
}

// The values of a variable, the most frequent first; `other` are the lines of all others.
export function valueRows(v: Variable, most: number): {
  rows: { value: string; lines: number }[]; other: number; all: number;
} {
  const sorted = Object.entries(v.values ?? {}).map(([value, lines]) => ({ value, lines }))
    .sort((a, b) => b.lines - a.lines || (a.value < b.value ? -1 : 1));
  const rest = sorted.slice(most).reduce((sum, r) => sum + r.lines, 0);
  const other = (v.other_lines ?? 0) + rest;
  const rows = sorted.slice(0, most);
  return { rows, other, all: rows.reduce((sum, r) => sum + r.lines, other) };
}

// "kernel 6.1.99", "kernel changed lately", "job web since lately".
export function factWords(d: Difference): { fact: string; value: string } {
  if (d.fact === 'host' && d.lately) return { fact: 'host', value: 'booted lately' };
  if (!d.value) return { fact: d.fact, value: 'changed lately' };
  return { fact: d.fact, value: d.lately ? `${d.value}, since lately` : d.value };
}

export function selection(from: number, to: number): string {
  const text = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${text(from)}..${text(to)}`;
}

export function parseSelection(sel: string): { from: number; to: number } | undefined {
  const m = /^([^;=]+)\.\.([^;=]+?)(;|$)/.exec(sel);
  const from = parseTime(m?.[1]);
  const to = parseTime(m?.[2]);
  return from === undefined || to === undefined || to < from ? undefined : { from, to };
}
