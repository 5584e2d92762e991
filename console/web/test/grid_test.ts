import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellSize, hitTest, layoutGrid, LETTER_PX_MIN, stepCursor } from '../src/logic/grid';

function racks(counts: number[]) {
  return counts.flatMap((n, r) => Array.from({ length: n }, () => ({ group: `r${r + 1}` })));
}

test('every host has one cell, inside the width, and no two overlap', () => {
  for (const [hosts, width] of [[12, 360], [500, 900], [10_000, 950], [10_000, 340]] as const) {
    const list = racks(Array.from({ length: Math.ceil(hosts / 40) }, () => 40)).slice(0, hosts);
    const layout = layoutGrid(list, width, cellSize(hosts, width));
    assert.equal(layout.boxes.length, hosts);
    assert.equal(new Set(layout.order).size, hosts);
    assert.equal(new Set(layout.boxes.map((b) => `${b.x},${b.y}`)).size, hosts);
    for (const b of layout.boxes) {
      assert(b.x >= 0 && b.x + layout.cell <= width + 0.5, `x ${b.x} of ${width}`);
      assert(b.y + layout.cell <= layout.height + 0.5);
    }
  }
});

test('racks stand in the order of their numbers, each under its name', () => {
  const list = [{ group: 'r10' }, { group: 'r9' }, { group: 'r9' }];
  const layout = layoutGrid(list, 600, 30);
  assert.deepEqual(layout.blocks.map((b) => b.label), ['r9', 'r10']);
  assert.deepEqual(layout.order, [1, 2, 0]);
});

test('a small fleet has cells for a thumb and letters; a large one still fits', () => {
  assert(cellSize(12, 360) >= 24);
  assert(cellSize(2000, 950) >= LETTER_PX_MIN);
  assert(cellSize(10_000, 950) * cellSize(10_000, 950) * 10_000 < 950 * 2500);
});

test('a press finds the cell it hit and nothing between cells and names', () => {
  const layout = layoutGrid(racks([4, 4]), 600, 30);
  const third = layout.boxes[2];
  assert(third);
  assert.equal(hitTest(layout, third.x + 1, third.y + 1), 2);
  assert.equal(hitTest(layout, third.x + 1, 2), -1);
  assert.equal(hitTest(layout, 599, 599), -1);
});

test('the cursor walks, stops at the ends, and finds the nearest cell above and below', () => {
  const layout = layoutGrid(racks([6, 6, 6, 6]), 200, 30);
  assert.equal(stepCursor(layout, -1, 'right'), 0);
  assert.equal(stepCursor(layout, 0, 'left'), 0);
  assert.equal(stepCursor(layout, 0, 'right'), 1);
  assert.equal(stepCursor(layout, 23, 'right'), 23);
  assert.equal(stepCursor(layout, 5, 'last'), 23);
  assert.equal(stepCursor(layout, 5, 'first'), 0);
  const below = stepCursor(layout, 1, 'down');
  assert(below > 1);
  assert.equal(layout.boxes[below]?.x, layout.boxes[1]?.x);
  assert.equal(stepCursor(layout, below, 'up'), 1);
  assert.equal(stepCursor(layoutGrid([], 200, 30), 0, 'down'), -1);
});
