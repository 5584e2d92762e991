// The open grants against the limits, and who waits for which.

import type { Limit } from '../api/types';
import { duration, plural } from '../logic/format';
import { waitsFor } from '../logic/look';
import { visible } from '../logic/text';
import { allHosts, hrefOf, picture } from '../store';
import { Age, Panel, Until } from './bits';
import { T } from './text';

function kindText(l: Limit): string {
  switch (l.kind) {
    case 'concurrent':
      return 'at once';
    case 'window':
      return l.window_ms ? `in ${duration(l.window_ms)}` : 'in its window';
    case 'floor':
      return 'must stay';
  }
  return l.kind;
}

function LimitRow({ l }: { l: Limit }) {
  // Of a floor, `used` are the hosts that are available and `max` is how many of them must stay.
  const floor = l.kind === 'floor';
  const full = floor ? l.used <= l.max : l.used >= l.max;
  return (
    <li class={full ? 'full' : ''}>
      <div class="limit-line">
        <span class="limit-name"><T v={l.name} max={80} /></span>
        <span class="dim"><T v={l.scope} max={60} /></span>
        <span class="limit-use">
          {floor
            ? <><b>{l.used}</b> available, {l.max} <span class="dim">{kindText(l)}</span></>
            : <><b>{l.used}</b> of {l.max} <span class="dim">{kindText(l)}</span></>}
        </span>
      </div>
      <meter min={0} max={Math.max(1, l.max)} value={Math.min(l.used, Math.max(1, l.max))}
        aria-label={`${visible(l.name)}: ${l.used} of ${l.max}`} />
      {full && (
        <p class="limit-full">
          <strong>{floor ? 'no host can be spared' : 'full'}</strong>
          {!floor && l.max === 0 && ': 0 means never'}
          {l.next_at && <> · next <Until at={l.next_at} /></>}
        </p>
      )}
    </li>
  );
}

function Waiting() {
  const waiting = allHosts.value.filter((h) => waitsFor(h.waits_for) !== '');
  if (waiting.length === 0) return null;
  return (
    <>
      <h3>Waiting</h3>
      <ul class="plain lines">
        {waiting.slice(0, 20).map((h) => (
          <li key={h.host}>
            <a class="mono" href={hrefOf(h.host)}><T v={h.host} max={60} /></a>{' '}
            waits for <b><T v={waitsFor(h.waits_for)} max={120} /></b>{' '}
            <span class="dim"><Age at={h.since} /></span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Grants() {
  const grants = picture.value?.grants ?? [];
  if (grants.length === 0) return <p class="empty">No grant is open: nothing is under way.</p>;
  return (
    <>
      <h3>Open grants</h3>
      <ul class="plain lines">
        {grants.slice(0, 50).map((g) => (
          <li key={g.id}>
            <span class="grant-act"><T v={g.act} max={20} /></span>{' '}
            <a class="mono" href={hrefOf(g.host)}><T v={g.host} max={60} /></a>{' '}
            {g.holder && <span>for <b><T v={g.holder} max={60} /></b>{g.overdue && ', overdue'} </span>}
            <span class="dim"><T v={g.reason} max={120} /> · <Age at={g.granted_at} /></span>
          </li>
        ))}
      </ul>
    </>
  );
}

export function Limits() {
  const p = picture.value;
  if (!p) return null;
  return (
    <Panel title="Limits" id="limits" note={plural(p.grants.length, 'open grant')}>
      {p.limits.length === 0 && <p class="empty">The server names no limit.</p>}
      <ul class="limits">{p.limits.map((l) => <LimitRow key={l.name + l.scope} l={l} />)}</ul>
      <Waiting />
      <Grants />
    </Panel>
  );
}
