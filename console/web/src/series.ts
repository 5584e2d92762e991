// A file of its own, dist/series.js: the chart of a series, by uPlot. Loaded by the pages that show
// one. No text of strangers comes here, only numbers.

import uPlot from 'uplot';

export interface Chart {
  set(times: number[], hosts: number[]): void;
  destroy(): void;
}

export interface ChartOptions {
  onSelect?: (fromMs: number, toMs: number) => void;
}

const HEIGHT = 190;

function colour(el: HTMLElement, name: string): string {
  return getComputedStyle(el).getPropertyValue(name).trim();
}

function axis(el: HTMLElement, more: uPlot.Axis): uPlot.Axis {
  return {
    stroke: colour(el, '--dim'),
    grid: { stroke: colour(el, '--line'), width: 1 },
    ticks: { stroke: colour(el, '--line'), width: 1 },
    font: '12px system-ui, sans-serif',
    ...more,
  };
}

function make(el: HTMLElement, data: uPlot.AlignedData, options: ChartOptions): uPlot {
  const plot: uPlot = new uPlot({
    width: Math.max(200, el.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: !!options.onSelect, y: false, setScale: false }, y: false },
    scales: { y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.08)] } },
    axes: [
      axis(el, { space: 76, values: [
        [3600, '{HH}:{mm}', null, null, null, null, null, null, 1],
        [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
        [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
      ] }),
      axis(el, { size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
        20000, 50000, 100000] }),
    ],
    series: [
      {},
      {
        stroke: colour(el, '--tainted'), width: 2,
        fill: colour(el, '--tainted') + '33',
        paths: uPlot.paths.stepped?.({ align: 1 }),
        points: { show: false },
      },
    ],
    hooks: {
      setSelect: [(u) => {
        const { left, width } = u.select;
        if (width < 4 || !options.onSelect) return;
        options.onSelect(u.posToVal(left, 'x') * 1000, u.posToVal(left + width, 'x') * 1000);
      }],
    },
  }, data, el);
  return plot;
}

export function chart(el: HTMLElement, options: ChartOptions): Chart {
  let data: uPlot.AlignedData = [[], []];
  let plot: uPlot | undefined;
  const remake = () => {
    plot?.destroy();
    plot = make(el, data, options);
  };
  const sized = new ResizeObserver(() => {
    const width = Math.max(200, el.clientWidth);
    if (plot && Math.abs(plot.width - width) > 1) plot.setSize({ width, height: HEIGHT });
  });
  sized.observe(el);
  const light = matchMedia('(prefers-color-scheme: light)');
  light.addEventListener('change', remake);
  return {
    set(times, hosts) {
      data = [times, hosts];
      if (plot) plot.setData(data);
      else remake();
    },
    destroy() {
      light.removeEventListener('change', remake);
      sized.disconnect();
      plot?.destroy();
    },
  };
}
