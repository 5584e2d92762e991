// The first page: what needs a person, what moves, and then the fleet.

import type { HostSummary, NeedsYou } from '../api/types';
import { age, count, duration, plural } from '../logic/format';
import { isMoving, lookOf, waitsFor } from '../logic/look';
import { visible } from '../logic/text';
import { allHosts, hrefOf, picture, quiet, silence } from '../store';
import { Age, Overlays, Panel, StateBadge } from './bits';
import { Audit } from './audit';
import { Hosts } from './hosts';
import { NeedIcon } from './icons';
import { Limits } from './limits';
import { T } from './text';

// One sentence that a person half asleep can act on. It claims no calm that the page cannot know.
function summary(needs: number, hosts: readonly HostSummary[]): string {
  if (hosts.length === 0) return 'No host has reported yet.';
  const moving = hosts.filter(isMoving).length;
  const unknown = hosts.filter((h) => lookOf(h) === 'unknown').length;
  const suspect = hosts.filter((h) => lookOf(h) === 'suspect').length;
  const failed = hosts.filter((h) => lookOf(h) === 'failed').length;
  const parts = [
    needs === 0 ? 'Nothing needs you.'
      : needs === 1 ? '1 thing needs you.' : `${needs} things need you.`,
    moving > 0 ? `${plural(moving, 'host')} under way.` : '',
    suspect > 0 ? `${count(suspect)} suspect.` : '',
    unknown > 0 ? `${count(unknown)} unknown.` : '',
    failed > 0 ? `${count(failed)} retired.` : '',
  ];
  const quietly = needs + moving + suspect + unknown + failed === 0
    ? 'Everything is quiet.' : 'Everything else is quiet.';
  return [...parts, quietly].filter(Boolean).join(' ').replace(/(\d) /g, '$1\u00a0');
}

function Summary() {
  const p = picture.value;
  if (!p) return null;
  const f = p.freshness;
  return (
    <div class="summary">
      <h1>{quiet.value ? `As of ${age(silence.value)} ago: ` : ''}
        {summary(p.needs_you.length, allHosts.value)}</h1>
      <p class="dim">
        {count(f.hosts_reporting)} of {count(f.hosts_total)} hosts reporting
        {f.hosts_silent > 0 && <> · <b>{count(f.hosts_silent)} silent</b></>}
        {' '}· oldest evidence {duration(f.oldest_ms)} · log {duration(f.log_lag_ms)} behind
        {!f.leader && <> · <b>this server is not the leader</b></>}
      </p>
    </div>
  );
}

function Need({ n }: { n: NeedsYou }) {
  return (
    <li>
      <NeedIcon />
      <div>
        <p><strong><T v={n.what} max={160} /></strong>{' '}
          <span class="dim"><Age at={n.since} /></span></p>
        <p><T v={n.detail} max={300} /></p>
      </div>
      {n.host && (
        <a class="button" href={hrefOf(n.host)} aria-label={`Open ${visible(n.host)}`}>Open</a>
      )}
    </li>
  );
}

function NeedsYouList() {
  const needs = picture.value?.needs_you ?? [];
  if (needs.length === 0) return null;
  return (
    <Panel title="Needs you" id="needs" class="needs-panel" note={plural(needs.length, 'thing')}>
      <ul class="needs">{needs.map((n) => <Need key={n.what + n.host + n.since} n={n} />)}</ul>
    </Panel>
  );
}

function Progress({ host }: { host: HostSummary }) {
  if (host.state !== 'draining' || host.tasks_total === 0) return null;
  const gone = host.tasks_total - host.tasks_left;
  return (
    <span class="progress">
      <progress max={host.tasks_total} value={gone}
        aria-label={`${visible(host.host)}: tasks gone`} />
      <span>{gone} of {host.tasks_total} tasks gone</span>
    </span>
  );
}

function MovingRow({ host }: { host: HostSummary }) {
  const waits = waitsFor(host.waits_for);
  return (
    <li>
      <a class="mono strong" href={hrefOf(host.host)}><T v={host.host} max={60} /></a>
      <span><StateBadge host={host} /> <span class="dim"><Age at={host.since} /></span></span>
      <Progress host={host} />
      <Overlays host={host} />
      <span class="why dim">
        {waits ? <>waits for <b><T v={waits} max={120} /></b></> : <T v={host.why} max={160} />}
      </span>
    </li>
  );
}

const MOVING_MAX = 5;

function Moving() {
  const moving = allHosts.value.filter(isMoving);
  if (moving.length === 0) return null;
  return (
    <Panel title="Under way" id="moving" note={plural(moving.length, 'host')}>
      <ul class="moving">
        {moving.slice(0, MOVING_MAX).map((h) => <MovingRow key={h.host} host={h} />)}
      </ul>
      {moving.length > MOVING_MAX && (
        <p class="dim">and {moving.length - MOVING_MAX} more, in the hosts below</p>
      )}
    </Panel>
  );
}

export function NowPage() {
  return (
    <main id="main" class="page">
      <div class="column">
        <Summary />
        <NeedsYouList />
        <Moving />
        <Hosts />
      </div>
      <div class="column side">
        <Limits />
        <Audit />
      </div>
    </main>
  );
}
