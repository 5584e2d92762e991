// The hosts as a grid. The canvas is one stop of the Tab key; arrows move a cursor in it, Enter
// opens, and the line below says in words what the cursor is on. The table says the same.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { HostSummary } from '../api/types';
import { listKeys } from '../keys';
import { cellSize, hitTest, layoutGrid, stepCursor, type Step } from '../logic/grid';
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

export function HostGrid({ hosts, cursor }: { hosts: HostSummary[]; cursor: Cursor }) {
  const [ref, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const marker = useRef<HTMLDivElement>(null);
  const repaint = useRepaint();
  const layout = useLayout(hosts, width);
  const at = layout.order.findIndex((i) => hosts[i]?.host === cursor.host);

  useLayoutEffect(() => {
    if (!canvas.current || width === 0) return;
    const marks = hosts.map((h) => ({
      look: lookOf(h), protected: h.protected, held: h.held,
    }));
    const ms = paintGrid(canvas.current, layout, width, marks, readPalette(canvas.current));
    canvas.current.dataset['paintMs'] = ms.toFixed(1);
  }, [layout, hosts, width, repaint]);

  useLayoutEffect(() => {
    const box = layout.boxes[at];
    const mark = marker.current;
    if (!mark) return;
    mark.hidden = !box;
    if (!box) return;
    const size = layout.cell - layout.gap + 4;
    mark.style.transform = `translate(${box.x - 2}px, ${box.y - 2}px)`;
    mark.style.width = mark.style.height = `${size}px`;
  }, [layout, at]);

  const move = (step: Step) => {
    const next = stepCursor(layout, at, step);
    cursor.set(hosts[layout.order[next] ?? -1]?.host);
    marker.current?.scrollIntoView({ block: 'nearest' });
  };
  const open = () => { if (cursor.host) go({ page: 'host', host: cursor.host }); };
  useEffect(() => {
    listKeys.current = { move: (s) => move(s > 0 ? 'right' : 'left'), open };
    return () => { listKeys.current = undefined; };
  });
  const under = (e: PointerEvent | MouseEvent) => {
    const index = hitTest(layout, e.offsetX, e.offsetY);
    return index < 0 ? undefined : hosts[layout.order[index] ?? -1]?.host;
  };
  const onKey = (e: KeyboardEvent) => {
    const step = KEYS[e.key];
    if (step) move(step);
    else if (e.key === 'Enter') open();
    else return;
    e.preventDefault();
  };
  // A mouse points before it presses, so one press opens; a thumb first shows what it hit.
  const onClick = (e: MouseEvent) => {
    const host = under(e);
    if (!host) return;
    const touch = (e as PointerEvent).pointerType === 'touch';
    if (touch && host !== cursor.host) cursor.set(host);
    else go({ page: 'host', host });
  };
  return (
    <div class={`grid ${quiet.value ? 'is-quiet' : ''}`} ref={ref}>
      <canvas ref={canvas} tabIndex={0} role="application" aria-roledescription="host grid"
        aria-label={`${hosts.length} hosts by ${route.value.group}. Arrow keys move, Enter opens.`}
        aria-describedby="under-cursor" onKeyDown={onKey} onClick={onClick}
        onPointerMove={(e) => {
          const host = e.pointerType === 'mouse' ? under(e) : undefined;
          if (host) cursor.set(host);
        }} />
      <div class="cursor" ref={marker} hidden aria-hidden="true" />
    </div>
  );
}
