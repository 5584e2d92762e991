// Where the marks of a host's timeline stand: five lanes over one span of time. Pure.

import type { TimelineItem } from '../api/types';
import { parseTime } from './format';

export const LANES = ['condition', 'log', 'action', 'people', 'task'] as const;
export type Lane = (typeof LANES)[number];

export interface Mark {
  item: TimelineItem;
  left: number; // percent of the span
  width: number; // percent; 0 for a moment
  open: boolean; // it goes on
}

export interface Timeline {
  from: number;
  to: number;
  lanes: { lane: Lane; marks: Mark[] }[];
  ticks: { at: number; left: number }[];
}

export interface Event {
  item: TimelineItem;
  times: number; // how often in a row; `item` is the newest of them
}

// Newest first; what repeats without anything between is one line with a count.
export function listEvents(items: readonly TimelineItem[]): Event[] {
  const sorted = items.slice().sort((a, b) => (parseTime(b.at) ?? 0) - (parseTime(a.at) ?? 0));
  const out: Event[] = [];
  for (const item of sorted) {
    const last = out[out.length - 1];
    const same = last && last.item.lane === item.lane && last.item.title === item.title &&
      last.item.detail === item.detail;
    if (same) last.times++;
    else out.push({ item, times: 1 });
  }
  return out;
}

const STEPS_MS = [
  5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000,
  21_600_000, 86_400_000,
];
const TICKS_MAX = 6;
const SPAN_MS_MIN = 60_000;

function ticks(from: number, to: number): Timeline['ticks'] {
  const span = to - from;
  const step = STEPS_MS.find((s) => span / s <= TICKS_MAX) ?? Math.ceil(span / TICKS_MAX);
  const out: Timeline['ticks'] = [];
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    out.push({ at, left: ((at - from) / span) * 100 });
  }
  return out;
}

function isLane(lane: string): lane is Lane {
  return (LANES as readonly string[]).includes(lane);
}

// Items without a readable time are left to the list below; those of a lane that is not known here
// stand with the actions. A task or a condition without an end goes on; other items are moments.
export function layoutTimeline(items: readonly TimelineItem[], now: number): Timeline {
  const times = items.flatMap((i) => [parseTime(i.at), parseTime(i.until)])
    .filter((t): t is number => t !== undefined);
  const to = Math.max(now, ...times);
  const from = Math.min(to - SPAN_MS_MIN, ...times);
  const span = to - from;
  const lanes = LANES.map((lane) => ({ lane, marks: [] as Mark[] }));
  for (const item of items) {
    const at = parseTime(item.at);
    if (at === undefined) continue;
    const until = parseTime(item.until);
    const lane = isLane(item.lane) ? item.lane : 'action';
    const open = until === undefined && (lane === 'condition' || lane === 'task');
    const end = until ?? (open ? to : at);
    lanes.find((l) => l.lane === lane)?.marks.push({
      item, open,
      left: ((at - from) / span) * 100,
      width: (Math.max(0, end - at) / span) * 100,
    });
  }
  return { from, to, lanes, ticks: ticks(from, to) };
}
