// The hosts as a grid. The canvas is one stop of the Tab key; arrows move a cursor in it, Enter
// opens, and the line below says in words what the cursor is on. The table says the same.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { HostSummary } from '../api/types';
import { listKeys } from '../keys';
import {
  cellSize, hitTest, layoutGrid, stepCursor, type GridLayout, type Step,
} from '../logic/grid';
import { lookOf } from '../logic/look';
import { visible } from '../logic/text';
import { go, quiet, route } from '../store';
import { paintGrid, readPalette } from './paint';

const KEYS: Record<string, Step> = {
  ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down', Home: 'first',
  End: 'last',
};

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

// Counts changes of theme and of pixel density: both mean painting again.
function useRepaint(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const again = () => setCount((c) => c + 1);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const contrast = matchMedia('(forced-colors: active)');
    dark.addEventListener('change', again);
    contrast.addEventListener('change', again);
    return () => {
      dark.removeEventListener('change', again);
      contrast.removeEventListener('change', again);
    };
  }, []);
  return count;
}

export interface Cursor {
  host: string | undefined;
  set(host: string | undefined): void;
}

function useLayout(hosts: HostSummary[], width: number) {
  const group = route.value.group;
  return useMemo(() => {
    const named = hosts.map((h) => ({ group: visible(h[group] || 'none', 24) }));
    return layoutGrid(named, Math.max(1, width), cellSize(hosts.length, width));
  }, [hosts, width, group]);
}

interface Drawn {
  hosts: HostSummary[];
  layout: GridLayout;
  width: number;
}

function usePaint({ hosts, layout, width }: Drawn) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const repaint = useRepaint();
  useLayoutEffect(() => {
    if (!canvas.current || width === 0) return;
    const marks = hosts.map((h) => ({ look: lookOf(h), protected: h.protected, held: h.held }));
    const ms = paintGrid(canvas.current, layout, width, marks, readPalette(canvas.current));
    canvas.current.dataset['paintMs'] = ms.toFixed(1);
  }, [layout, hosts, width, repaint]);
  return canvas;
}

// The frame around the cell under the cursor: an element of its own, so that a step paints nothing.
function useMarker(layout: GridLayout, at: number) {
  const marker = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = layout.boxes[at];
    const mark = marker.current;
    if (!mark) return;
    mark.hidden = !box;
    if (!box) return;
    mark.style.transform = `translate(${box.x - 2}px, ${box.y - 2}px)`;
    mark.style.width = mark.style.height = `${layout.cell - layout.gap + 4}px`;
  }, [layout, at]);
  return marker;
}

// A mouse points before it presses, so one press opens; a thumb first shows what it hit.
function press(e: MouseEvent, host: string | undefined, cursor: Cursor): void {
  if (!host) return;
  const touch = (e as PointerEvent).pointerType === 'touch';
  if (touch && host !== cursor.host) cursor.set(host);
  else go({ page: 'host', host });
}

export function HostGrid({ hosts, cursor }: { hosts: HostSummary[]; cursor: Cursor }) {
  const [ref, width] = useWidth();
  const layout = useLayout(hosts, width);
  // Asked anew at each key: keys may come faster than the page is drawn.
  const place = () => layout.order.findIndex((i) => hosts[i]?.host === cursor.host);
  const canvas = usePaint({ hosts, layout, width });
  const marker = useMarker(layout, place());
  const hostAt = (n: number) => hosts[layout.order[n] ?? -1]?.host;
  const under = (e: MouseEvent) => hostAt(hitTest(layout, e.offsetX, e.offsetY));
  const move = (step: Step) => {
    cursor.set(hostAt(stepCursor(layout, place(), step)));
    marker.current?.scrollIntoView({ block: 'nearest' });
  };
  const open = () => { if (place() >= 0 && cursor.host) go({ page: 'host', host: cursor.host }); };
  useEffect(() => {
    listKeys.current = { move: (s) => move(s > 0 ? 'right' : 'left'), open };
    return () => { listKeys.current = undefined; };
  });
  const onKey = (e: KeyboardEvent) => {
    const step = KEYS[e.key];
    if (step) move(step);
    else if (e.key === 'Enter') open();
    else return;
    e.preventDefault();
  };
  return (
    <div class={`grid ${quiet.value ? 'is-quiet' : ''}`} ref={ref}>
      <canvas ref={canvas} tabIndex={0} role="application" aria-roledescription="host grid"
        aria-label={`${hosts.length} hosts by ${route.value.group}. Arrow keys move, Enter opens.`}
        aria-describedby="under-cursor" onKeyDown={onKey}
        onClick={(e) => press(e, under(e), cursor)}
        onPointerMove={(e) => { if (e.pointerType === 'mouse') cursor.set(under(e)); }} />
      <div class="cursor" ref={marker} hidden aria-hidden="true" />
    </div>
  );
}
