// The hosts as a table: what the grid shows, in words, worst first. Only the rows in sight are in
// the document; their number and place are said to assistive technology.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { HostSummary } from '../api/types';
import { listKeys } from '../keys';
import { worstFirst } from '../logic/look';
import { go, hrefOf } from '../store';
import { Age, Overlays, StateBadge } from './bits';
import type { Cursor } from './grid';
import { T } from './text';

const ROW_PX = 44;
const SPARE_ROWS = 8;

function useWindow(count: number) {
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    if (ref.current) setHeight(ref.current.clientHeight);
  }, [count]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
  const last = Math.min(count, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);
  const onScroll = () => {
    if (!ref.current) return;
    setTop(ref.current.scrollTop);
    setHeight(ref.current.clientHeight);
  };
  return { ref, first, last, onScroll };
}

function Row({ host, index, current }: { host: HostSummary; index: number; current: boolean }) {
  return (
    <tr aria-rowindex={index + 2} class={current ? 'current' : ''}>
      <th scope="row"><a href={hrefOf(host.host)} class="mono"><T v={host.host} max={80} /></a></th>
      <td class="col-state"><StateBadge host={host} /></td>
      <td class="num"><Age at={host.since} /></td>
      <td class="wide why"><T v={host.why} max={160} /></td>
      <td class="num">{host.tasks_left}/{host.tasks_total}</td>
      <td class="wide"><T v={host.pool} max={40} /></td>
      <td class="wide"><T v={host.rack} max={40} /></td>
      <td class="wide mono"><T v={host.kernel} max={40} /></td>
      <td class="wide"><Overlays host={host} /></td>
    </tr>
  );
}

function Spacer({ rows }: { rows: number }) {
  const ref = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.style.height = `${rows * ROW_PX}px`;
  }, [rows]);
  return rows > 0 ? <tr ref={ref} class="spacer" aria-hidden="true"><td colSpan={9} /></tr> : null;
}

function Head() {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col">Host</th><th scope="col">State</th><th scope="col">Since</th>
        <th scope="col" class="wide">Why</th><th scope="col">Tasks left</th>
        <th scope="col" class="wide">Pool</th><th scope="col" class="wide">Rack</th>
        <th scope="col" class="wide">Kernel</th><th scope="col" class="wide">Override</th>
      </tr>
    </thead>
  );
}

export function HostTable({ hosts, cursor }: { hosts: HostSummary[]; cursor: Cursor }) {
  const sorted = useMemo(() => hosts.slice().sort(worstFirst), [hosts]);
  const view = useWindow(sorted.length);
  const move = (step: 1 | -1) => {
    const at = sorted.findIndex((h) => h.host === cursor.host);
    const next = Math.min(sorted.length - 1, Math.max(0, at + step));
    cursor.set(sorted[next]?.host);
    const box = view.ref.current;
    if (!box) return;
    const y = next * ROW_PX;
    if (y < box.scrollTop) box.scrollTop = y;
    if (y + 2 * ROW_PX > box.scrollTop + box.clientHeight) {
      box.scrollTop = y + 2 * ROW_PX - box.clientHeight;
    }
  };
  const open = () => { if (cursor.host) go({ page: 'host', host: cursor.host }); };
  useEffect(() => {
    listKeys.current = { move, open };
    return () => { listKeys.current = undefined; };
  });
  const onKey = (e: KeyboardEvent) => {
    if (e.target instanceof HTMLAnchorElement) return;
    if (e.key === 'ArrowDown') move(1);
    else if (e.key === 'ArrowUp') move(-1);
    else if (e.key === 'Enter') open();
    else return;
    e.preventDefault();
  };
  return (
    <div class="table-box" ref={view.ref} onScroll={view.onScroll} tabIndex={0} role="region"
      aria-label="Hosts as a table" onKeyDown={onKey}>
      <table aria-rowcount={sorted.length + 1}>
        <Head />
        <tbody>
          <Spacer rows={view.first} />
          {sorted.slice(view.first, view.last).map((h, i) => (
            <Row key={h.host} host={h} index={view.first + i} current={h.host === cursor.host} />
          ))}
          <Spacer rows={sorted.length - view.last} />
        </tbody>
      </table>
    </div>
  );
}
