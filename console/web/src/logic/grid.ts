// Where each host's cell stands in the grid: racks are blocks of cells under their name, packed on
// shelves from left to right. Pure; the canvas only paints what this says.

import { naturalOrder } from './look';

export interface Box {
  x: number;
  y: number;
}

export interface GridBlock extends Box {
  label: string;
  width: number;
}

export interface GridLayout {
  cell: number; // the pitch: one cell and its gap
  gap: number;
  height: number;
  boxes: Box[]; // by index, in the order of `order`
  order: number[]; // index into the hosts that were passed
  blocks: GridBlock[];
}

export interface Grouped {
  group: string;
}

export const LETTER_PX_MIN = 12;
const LABEL_PX = 20;
const BLOCK_GAP_PX = 16;

// Large enough for a thumb while that fits, small enough for the whole fleet on one screen.
export function cellSize(hosts: number, width: number): number {
  const roomy = width >= 700;
  if (hosts <= 120) return roomy ? 34 : 30;
  if (hosts <= 600) return 26;
  if (hosts <= 2000) return roomy ? 20 : 16;
  if (hosts <= 5000) return roomy ? 15 : 12;
  return roomy ? 12 : 9;
}

function blockColumns(largest: number, cell: number, width: number): number {
  const most = Math.max(1, Math.floor(width / cell));
  const wanted = largest <= 6 ? largest : Math.ceil(Math.sqrt(largest * 2.2));
  return Math.min(most, Math.max(wanted, Math.ceil(72 / cell)));
}

export function layoutGrid(hosts: readonly Grouped[], width: number, cell: number): GridLayout {
  const gap = cell >= 24 ? 4 : cell >= 14 ? 2 : 1;
  const groups = new Map<string, number[]>();
  hosts.forEach((h, i) => {
    const list = groups.get(h.group);
    if (list) list.push(i);
    else groups.set(h.group, [i]);
  });
  const largest = Math.max(1, ...[...groups.values()].map((g) => g.length));
  const columns = blockColumns(largest, cell, width);
  const blockWidth = columns * cell;
  const perShelf = Math.max(1, Math.floor((width + BLOCK_GAP_PX) / (blockWidth + BLOCK_GAP_PX)));
  const out: GridLayout = { cell, gap, height: 0, boxes: [], order: [], blocks: [] };
  let shelfTop = 0;
  let shelfHeight = 0;
  let slot = 0;
  const sorted = [...groups].sort((a, b) => naturalOrder(a[0], b[0]));
  for (const [label, members] of sorted) {
    if (slot === perShelf) {
      shelfTop += shelfHeight + BLOCK_GAP_PX;
      shelfHeight = 0;
      slot = 0;
    }
    const left = slot * (blockWidth + BLOCK_GAP_PX);
    out.blocks.push({ label, x: left, y: shelfTop, width: blockWidth });
    members.forEach((index, i) => {
      out.order.push(index);
      out.boxes.push({
        x: left + (i % columns) * cell,
        y: shelfTop + LABEL_PX + Math.floor(i / columns) * cell,
      });
    });
    const rows = Math.ceil(members.length / columns);
    shelfHeight = Math.max(shelfHeight, LABEL_PX + rows * cell);
    slot++;
  }
  out.height = shelfTop + shelfHeight;
  return out;
}

export function hitTest(layout: GridLayout, x: number, y: number): number {
  return layout.boxes.findIndex(
    (b) => x >= b.x && x < b.x + layout.cell && y >= b.y && y < b.y + layout.cell);
}

export type Step = 'left' | 'right' | 'up' | 'down' | 'first' | 'last';

// The next place of the cursor: left and right walk the order; up and down look for the nearest
// cell of the nearest line in that direction.
export function stepCursor(layout: GridLayout, from: number, step: Step): number {
  const last = layout.boxes.length - 1;
  if (last < 0) return -1;
  if (from < 0 || from > last) return step === 'last' ? last : 0;
  switch (step) {
    case 'first':
      return 0;
    case 'last':
      return last;
    case 'left':
      return Math.max(0, from - 1);
    case 'right':
      return Math.min(last, from + 1);
    case 'up':
    case 'down':
      return nearestLine(layout, from, step === 'down' ? 1 : -1);
  }
}

function nearestLine(layout: GridLayout, from: number, sign: 1 | -1): number {
  const here = layout.boxes[from];
  if (!here) return from;
  let best = from;
  let bestCost = Infinity;
  layout.boxes.forEach((b, i) => {
    const dy = (b.y - here.y) * sign;
    if (dy <= 0) return;
    const cost = dy * 1000 + Math.abs(b.x - here.x);
    if (cost < bestCost) {
      bestCost = cost;
      best = i;
    }
  });
  return best;
}
