// What happened on one host, by lanes; the list below says the same in words, newest first.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { TimelineItem } from '../api/types';
import { clock } from '../logic/format';
import { layoutTimeline, listEvents, type Mark } from '../logic/timeline';
import { visible } from '../logic/text';
import { now } from '../store';
import { Clock, Panel } from './bits';
import { T } from './text';

const TONES = new Set(['ok', 'bad', 'unknown', 'info']);

function toneOf(item: TimelineItem): string {
  return TONES.has(item.tone) ? item.tone : 'info';
}

function MarkBar({ mark }: { mark: Mark }) {
  const ref = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!ref.current) return;
    ref.current.style.left = `${mark.left}%`;
    ref.current.style.width = mark.width > 0 ? `${mark.width}%` : '';
  }, [mark.left, mark.width]);
  const kind = mark.width > 0 ? `span ${mark.open ? 'open' : ''}` : 'moment';
  return (
    <span ref={ref} class={`mark tone-${toneOf(mark.item)} ${kind}`}
      title={visible(mark.item.title, 120)}>
      {mark.width > 12 && <span class="mark-text"><T v={mark.item.title} max={60} /></span>}
    </span>
  );
}

function Tick({ at, left, today }: { at: number; left: number; today: number }) {
  const ref = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.style.left = `${left}%`;
  }, [left]);
  return <span ref={ref} class="tick">{clock(new Date(at).toISOString(), today)}</span>;
}

const LIST_MAX = 60;
const REDRAW_MS = 15_000;

export function TimelinePanel({ items }: { items: TimelineItem[] }) {
  const today = Math.floor(now.value / REDRAW_MS) * REDRAW_MS;
  const line = useMemo(() => layoutTimeline(items, today), [items, today]);
  const newest = useMemo(() => listEvents(items), [items]);
  if (items.length === 0) {
    return <Panel title="Timeline"><p class="empty">Nothing is recorded yet.</p></Panel>;
  }
  return (
    <Panel title="Timeline">
      <div class="lanes" aria-hidden="true">
        {line.lanes.map(({ lane, marks }) => (
          <div class="lane" key={lane}>
            <span class="lane-name">{lane === 'log' ? 'log lines' : lane}</span>
            <div class="lane-track">
              {marks.map((m, i) => <MarkBar key={i} mark={m} />)}
            </div>
          </div>
        ))}
        <div class="lane axis">
          <span class="lane-name" />
          <div class="lane-track">
            {line.ticks.filter((t) => t.left < 92)
              .map((t) => <Tick key={t.at} at={t.at} left={t.left} today={today} />)}
            <span class="tick tick-now">now</span>
          </div>
        </div>
      </div>
      <ol class="events">
        {newest.slice(0, LIST_MAX).map(({ item: i, times }, n) => (
          <li key={n}>
            <Clock at={i.at} />
            <span class={`lane-tag tone-${toneOf(i)}`}>{i.lane}</span>
            <span><b><T v={i.title} max={120} /></b>{times > 1 && <b> {times} times</b>}{' '}
              <span class="dim"><T v={i.detail} max={400} /></span></span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
