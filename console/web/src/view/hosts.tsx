// All hosts: counts by state in words, a filter, the grid or the table, and the host under the
// cursor in words.

import { signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { toggleState } from '../logic/filter';
import { count, plural } from '../logic/format';
import { countByLook, LETTER, LOOKS, waitsFor, wordOf } from '../logic/look';
import { visible } from '../logic/text';
import { allHosts, filter, go, hostByName, hrefOf, route, shownHosts, type Route } from '../store';
import { Age, Overlays, Panel, StateBadge } from './bits';
import { HostGrid, type Cursor } from './grid';
import { LookIcon } from './icons';
import { HostTable } from './table';
import { T } from './text';

const under = signal<string | undefined>(undefined);

export const cursor: Cursor = {
  get host() { return under.value; },
  set(host) { if (host !== undefined) under.value = host; },
};

function Counts() {
  const hosts = allHosts.value;
  const counts = useMemo(() => countByLook(hosts), [hosts]);
  const q = route.value.q;
  return (
    <ul class="chips" aria-label="Hosts by state">
      {LOOKS.filter((look) => (counts.get(look) ?? 0) > 0).map((look) => {
        const on = q.split(/\s+/).includes(`state:${look}`);
        return (
          <li key={look}>
            <button type="button" class={`chip text-${look}`} aria-pressed={on}
              onClick={() => go({ q: toggleState(q, look) }, true)}>
              <LookIcon look={look} />
              <span class="letter" aria-hidden="true">{LETTER[look]}</span>
              <b>{count(counts.get(look) ?? 0)}</b> <span>{look}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function FilterBox() {
  const compiled = filter.value;
  return (
    <div class="filter">
      <label class="sr" for="filter">Filter the hosts</label>
      <input id="filter" type="search" value={route.value.q} spellcheck={false} autocomplete="off"
        autocapitalize="none" placeholder="Filter:  state:draining  pool=db  rack!=r17  nvme"
        aria-describedby="filter-says" aria-invalid={!compiled.ok}
        onInput={(e) => go({ q: e.currentTarget.value }, true)} />
      <p id="filter-says" class={compiled.ok ? 'sr' : 'problem'} role="status">
        {compiled.ok
          ? `${shownHosts.value.length} of ${allHosts.value.length} hosts` : compiled.error}
      </p>
    </div>
  );
}

function Switches() {
  const { view, group } = route.value;
  const set = (change: Partial<Route>) => go(change, true);
  return (
    <div class="switches">
      <label class="group">
        <span>by</span>
        <select value={group}
          onChange={(e) => set({ group: e.currentTarget.value as Route['group'] })}>
          <option value="rack">rack</option><option value="pool">pool</option>
          <option value="cell">cell</option><option value="zone">zone</option>
        </select>
      </label>
      <div class="segments" role="group" aria-label="Show hosts as">
        <button type="button" aria-pressed={view === 'grid'} onClick={() => set({ view: 'grid' })}>
          Grid
        </button>
        <button type="button" aria-pressed={view === 'table'}
          onClick={() => set({ view: 'table' })}>
          Table
        </button>
      </div>
    </div>
  );
}

// The host under the cursor, in words. What is read aloud has no age in it: an age changes each
// second, and would be read each second.
function UnderCursor() {
  const host = under.value === undefined ? undefined : hostByName(under.value);
  const waits = host ? waitsFor(host.waits_for) : '';
  const aloud = host
    ? `${host.host}, ${wordOf(host)}${host.protected ? ', protected' : ''}` +
      `${host.held ? ', held' : ''}, rack ${host.rack}, ${host.tasks_left} of ` +
      `${host.tasks_total} tasks left. ${host.why}`
    : '';
  return (
    <div class={`under ${host ? 'on' : ''}`}>
      <span class="sr" id="under-cursor" role="status">{visible(aloud, 300)}</span>
      {!host && <span class="dim">Point at a host, or use the arrow keys.</span>}
      {host && (
        <>
          <a class="mono strong" href={hrefOf(host.host)}><T v={host.host} max={80} /></a>
          <span><StateBadge host={host} /> <Age at={host.since} /></span>
          <Overlays host={host} />
          <span class="dim">
            rack <T v={host.rack} max={40} /> · pool <T v={host.pool} max={40} /> ·{' '}
            {host.tasks_left} of {plural(host.tasks_total, 'task')} left
          </span>
          {host.why && <span class="why"><T v={host.why} max={160} /></span>}
          {waits && <span>waits for <T v={waits} max={120} /></span>}
        </>
      )}
    </div>
  );
}

export function Hosts() {
  const hosts = shownHosts.value;
  const all = allHosts.value;
  const note = hosts.length === all.length
    ? plural(all.length, 'host') : `${count(hosts.length)} of ${plural(all.length, 'host')}`;
  return (
    <Panel title="Hosts" id="hosts" note={note}>
      <Counts />
      <div class="tools"><FilterBox /><Switches /></div>
      {all.length > 0 && hosts.length === 0 && (
        <p class="empty">No host matches. An empty selection selects nothing.{' '}
          <button type="button" class="quiet" onClick={() => go({ q: '' }, true)}>Clear</button>
        </p>
      )}
      {all.length === 0 && <p class="empty">No host has reported yet.</p>}
      {route.value.view === 'grid'
        ? <><HostGrid hosts={hosts} cursor={cursor} /><UnderCursor /></>
        : <HostTable hosts={hosts} cursor={cursor} />}
    </Panel>
  );
}
