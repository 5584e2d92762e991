// A series as a chart. The chart's code is a file of its own, loaded here; without it, and for who
// does not see it, there are words and a table.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { dense, seriesWords } from '../logic/series';
import type { Chart, ChartOptions } from '../series';

type Module = { chart: (el: HTMLElement, options: ChartOptions) => Chart };

let loading: Promise<Module> | undefined;

function load(): Promise<Module> {
  const path = '/series.js';
  loading ??= (import(path) as Promise<Module>).catch((e: unknown) => {
    loading = undefined; // the next page tries again
    throw e;
  });
  return loading;
}

const ROWS_MAX = 40;

function SeriesTable({ times, hosts, step }: { times: number[]; hosts: number[]; step: string }) {
  const rows = times.map((t, i) => ({ t, n: hosts[i] ?? 0 })).filter((r) => r.n > 0);
  return (
    <details class="as-table">
      <summary>As a table</summary>
      {rows.length > ROWS_MAX && <p class="dim">The last {ROWS_MAX} of {rows.length} steps.</p>}
      <table class="small">
        <thead><tr><th scope="col">From</th><th scope="col">Hosts per {step}</th></tr></thead>
        <tbody>
          {rows.slice(-ROWS_MAX).reverse().map((r) => (
            <tr key={r.t}>
              <td>{new Date(r.t * 1000).toLocaleTimeString([], { hour12: false })}</td>
              <td>{r.n}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function Series(props: {
  points: readonly { at: string; hosts: number }[]; from: number; to: number; stepMs: number;
  onSelect?: (fromMs: number, toMs: number) => void;
}) {
  const { points, from, to, stepMs, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const made = useRef<Chart | undefined>(undefined);
  const [failed, setFailed] = useState(false);
  const data = useMemo(() => dense(points, from, to, stepMs), [points, from, to, stepMs]);
  const latest = useRef({ data, onSelect });
  latest.current = { data, onSelect };
  const step = stepMs > 60_000 ? `${Math.round(stepMs / 60_000)} minutes` : 'minute';

  useEffect(() => {
    let alive = true;
    load().then(({ chart }) => {
      if (!alive || !box.current) return;
      const options: ChartOptions = onSelect
        ? { onSelect: (a, b) => latest.current.onSelect?.(a, b) } : {};
      made.current = chart(box.current, options);
      made.current.set(latest.current.data.times, latest.current.data.hosts);
    }).catch(() => { if (alive) setFailed(true); });
    return () => {
      alive = false;
      made.current?.destroy();
      made.current = undefined;
    };
  }, []);
  useEffect(() => { made.current?.set(data.times, data.hosts); }, [data]);

  return (
    <figure class="series">
      <figcaption>
        <b>Hosts per {step}</b>
        {onSelect && <span class="dim wide"> · drag to select a time</span>}
      </figcaption>
      <div class="chart" ref={box} role="img" aria-label={seriesWords(data, step)} />
      {failed && <p class="problem">The chart could not be loaded; the table has its numbers.</p>}
      <SeriesTable times={data.times} hosts={data.hosts} step={step} />
    </figure>
  );
}
