// Paints the cells of the grid. One picture of each look is drawn once and stamped: ten thousand
// hosts are ten thousand copies of a small bitmap.

import { LETTER_PX_MIN, type GridLayout } from '../logic/grid';
import { LETTER, type Look } from '../logic/look';

export interface CellMark {
  look: Look;
  protected: boolean;
  held: boolean;
}

export interface Palette {
  looks: Record<Look, string>;
  paper: string;
  dim: string;
  protected: string;
  hold: string;
  font: string;
}

type Pen = CanvasRenderingContext2D;

export function readPalette(element: Element): Palette {
  const css = getComputedStyle(element);
  const v = (name: string) => css.getPropertyValue(name).trim();
  return {
    looks: {
      healthy: v('--healthy'), suspect: v('--suspect'), tainted: v('--tainted'),
      draining: v('--draining'), drained: v('--drained'), recovering: v('--draining'),
      failed: v('--failed'), unknown: v('--unknown'),
    },
    paper: v('--panel'), dim: v('--dim'), protected: v('--protected'), hold: v('--hold'),
    font: v('--sans'),
  };
}

function stripes(pen: Pen, size: number, colour: string, step: number, width: number): void {
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, size, size);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  for (let x = -size; x < size * 2; x += step) {
    pen.beginPath();
    pen.moveTo(x, size);
    pen.lineTo(x + size, 0);
    pen.stroke();
  }
  pen.restore();
}

function frameLine(pen: Pen, size: number, colour: string, width: number, dash: number[]): void {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.strokeRect(width / 2, width / 2, size - width, size - width);
  pen.setLineDash([]);
}

// The body of a cell: dull where all is well, solid where something was done, open where it is only
// suspected, hatched where nobody knows. Gives the colour in which its letter is readable.
function body(pen: Pen, look: Look, size: number, p: Palette): string {
  const colour = p.looks[look];
  const thin = Math.max(1, size / 14);
  switch (look) {
    case 'healthy':
      pen.globalAlpha = size < LETTER_PX_MIN ? 0.45 : 0.13;
      pen.fillStyle = colour;
      pen.fillRect(0, 0, size, size);
      pen.globalAlpha = 1;
      return colour;
    case 'suspect':
      frameLine(pen, size, colour, thin * 1.5, []);
      return colour;
    case 'recovering':
      frameLine(pen, size, colour, thin * 1.5, [size / 5, size / 8]);
      return colour;
    case 'unknown':
      pen.globalAlpha = 0.55;
      stripes(pen, size, colour, Math.max(3, size / 4), thin);
      pen.globalAlpha = 1;
      frameLine(pen, size, colour, thin, []);
      return colour;
    case 'draining':
      pen.fillStyle = colour;
      pen.fillRect(0, 0, size, size);
      pen.globalAlpha = 0.3;
      stripes(pen, size, p.paper, Math.max(4, size / 2.5), Math.max(1, size / 7));
      pen.globalAlpha = 1;
      return p.paper;
    case 'tainted':
    case 'drained':
    case 'failed':
      pen.fillStyle = colour;
      pen.fillRect(0, 0, size, size);
      return p.paper;
  }
}

function letter(pen: Pen, mark: CellMark, size: number, colour: string, p: Palette): void {
  const px = Math.min(15, Math.max(8, Math.round(size * 0.52)));
  if (mark.look === 'unknown' || mark.look === 'draining') {
    const plate = Math.min(size - 6, px * 1.2);
    pen.fillStyle = mark.look === 'unknown' ? p.paper : p.looks.draining;
    pen.fillRect((size - plate) / 2, (size - plate) / 2, plate, plate);
  }
  pen.fillStyle = colour;
  pen.font = `${mark.look === 'healthy' ? 500 : 700} ${px}px ${p.font}`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(LETTER[mark.look], size / 2, size / 2 + px * 0.06);
}

function stamp(mark: CellMark, size: number, pitch: number, dpr: number, p: Palette) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = Math.max(1, Math.round(size * dpr));
  const pen = canvas.getContext('2d');
  if (!pen) return canvas;
  pen.scale(canvas.width / size, canvas.width / size);
  const ink = body(pen, mark.look, size, p);
  if (pitch >= LETTER_PX_MIN) letter(pen, mark, size, ink, p);
  if (mark.protected) frameLine(pen, size, p.protected, Math.max(1.5, size / 11), []);
  if (mark.held) {
    pen.fillStyle = p.hold;
    pen.fillRect(size * 0.68, 0, size * 0.32, size * 0.32);
  }
  return canvas;
}

// The stamp of one mark, and a row of them: neighbours that look alike are drawn in one go, which
// makes a calm fleet of ten thousand about a thousand copies.
class Stamps {
  private readonly strips = new Map<string, HTMLCanvasElement>();
  private readonly columns: number;

  constructor(
    private readonly layout: GridLayout, private readonly dpr: number,
    private readonly palette: Palette,
  ) {
    const width = Math.max(1, ...layout.blocks.map((b) => b.width));
    this.columns = Math.max(1, Math.round(width / layout.cell));
  }

  strip(key: string, mark: CellMark): HTMLCanvasElement {
    const known = this.strips.get(key);
    if (known) return known;
    const { cell, gap } = this.layout;
    const one = stamp(mark, cell - gap, cell, this.dpr, this.palette);
    const strip = document.createElement('canvas');
    strip.width = Math.ceil(this.columns * cell * this.dpr);
    strip.height = one.height;
    const pen = strip.getContext('2d');
    for (let i = 0; i < this.columns; i++) pen?.drawImage(one, Math.round(i * cell * this.dpr), 0);
    this.strips.set(key, strip);
    return strip;
  }
}

function keyOf(mark: CellMark): string {
  return mark.look + (mark.protected ? ' P' : '') + (mark.held ? ' H' : '');
}

function paintCells(pen: Pen, layout: GridLayout, marks: readonly CellMark[], dpr: number,
  palette: Palette): void {
  const stamps = new Stamps(layout, dpr, palette);
  const keys = marks.map(keyOf);
  const keyAt = (i: number) => keys[layout.order[i] ?? -1];
  for (let i = 0; i < layout.boxes.length;) {
    const first = layout.boxes[i];
    const key = keyAt(i);
    const mark = marks[layout.order[i] ?? -1];
    if (!first || !mark || key === undefined) return;
    let run = 1;
    while (keyAt(i + run) === key && layout.boxes[i + run]?.y === first.y &&
      layout.boxes[i + run]?.x === first.x + run * layout.cell) run++;
    const strip = stamps.strip(key, mark);
    const width = Math.min(strip.width, Math.round(run * layout.cell * dpr));
    pen.drawImage(strip, 0, 0, width, strip.height,
      Math.round(first.x * dpr), Math.round(first.y * dpr), width, strip.height);
    i += run;
  }
}

const SIDE_PX_MAX = 16_000;

// Gives the milliseconds it took.
export function paintGrid(
  canvas: HTMLCanvasElement, layout: GridLayout, width: number, marks: readonly CellMark[],
  palette: Palette,
): number {
  const began = performance.now();
  const dpr = Math.min(devicePixelRatio || 1, 3, SIDE_PX_MAX / Math.max(1, layout.height));
  canvas.width = Math.round(width * dpr);
  canvas.height = Math.round(layout.height * dpr);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${layout.height}px`;
  const pen = canvas.getContext('2d');
  if (!pen) return 0;
  pen.font = `500 ${12 * dpr}px ${palette.font}`;
  pen.fillStyle = palette.dim;
  pen.textBaseline = 'top';
  for (const b of layout.blocks) {
    pen.fillText(b.label, b.x * dpr, (b.y + 2) * dpr, b.width * dpr);
  }
  paintCells(pen, layout, marks, dpr, palette);
  return performance.now() - began;
}
