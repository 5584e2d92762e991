// One host: what it is, why it stands where it stands, what happened, and what a person may do.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';
import type { Condition, HostDetail, HostSummary, WhyLine } from '../api/types';
import { describeHost } from '../logic/cli';
import { waitsFor } from '../logic/look';
import { addressPart, visible } from '../logic/text';
import { formatRoute, go, hostByName, picture, route, touched } from '../store';
import { Age, Clock, CopyCli, Overlays, Panel, Problem, StateBadge } from './bits';
import { Actions } from './host_actions';
import { T } from './text';
import { TimelinePanel } from './timeline';

const REFRESH_MS = 1000;

// The detail with its chain; a server that leaves the chain out of the detail is asked for it.
async function readDetail(name: string): Promise<HostDetail> {
  const path = `/api/v1/hosts/${addressPart(name)}`;
  const detail = await get<HostDetail>(path);
  if (Array.isArray(detail.why)) return detail;
  const chain = await get<{ lines: WhyLine[] }>(`${path}/why`).catch(() => undefined);
  return { ...detail, why: chain?.lines ?? [] };
}

// The detail, read when the page opens and again after each change of this host, at most once a
// second.
function useDetail(name: string): { detail: HostDetail | undefined; error: string } {
  const [detail, setDetail] = useState<HostDetail | undefined>(undefined);
  const [error, setError] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const read = async (alive: () => boolean) => {
    try {
      const next = await readDetail(name);
      if (alive()) {
        setDetail(next);
        setError('');
      }
    } catch (e) {
      if (alive()) setError(e instanceof ApiError ? e.message : 'the host could not be read');
    }
  };
  useEffect(() => {
    let alive = true;
    setDetail(undefined);
    setError('');
    void read(() => alive);
    const stop = touched.subscribe((changed) => {
      if (changed !== 'all' && !changed.has(name)) return;
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        if (alive) void read(() => alive);
      }, REFRESH_MS);
    });
    return () => {
      alive = false;
      clearTimeout(timer.current);
      timer.current = undefined;
      stop();
    };
  }, [name]);
  return { detail, error };
}

const EVIDENCE = new Set(['line', 'probe']);

function Why({ host, lines }: { host: HostSummary | undefined; lines: WhyLine[] }) {
  return (
    <Panel title="Why">
      {host?.why && <p class="why-now"><T v={host.why} max={300} /></p>}
      {lines.length === 0 && <p class="empty">No chain is recorded: nothing was decided.</p>}
      <ol class="why-chain">
        {lines.map((l, i) => (
          <li key={i} class={EVIDENCE.has(l.kind) ? 'why-evidence' : 'why-step'}>
            <span class="why-kind">{l.kind}</span>
            <Clock at={l.at} />
            <span class="why-text"><T v={l.text} max={1000} mono={l.kind === 'line'} /></span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function ConditionRow({ c }: { c: Condition }) {
  const tone = c.verdict === 'ok' || c.verdict === 'bad' ? c.verdict : 'unknown';
  return (
    <li class={`condition tone-${tone}`}>
      <p>
        <span class="verdict">{tone}</span> <b><T v={c.type} max={80} /></b>
        {c.unit && <> <span class="mono"><T v={c.unit} max={80} /></span></>}
        {tone !== 'ok' && <span> · {c.severity}</span>}
        <span class="dim"> · since <Clock at={c.since} /> (<Age at={c.since} />)</span>
      </p>
      {(c.reason || c.message) && tone !== 'ok' && (
        <p><T v={c.reason} max={120} />{c.message && <>: <T v={c.message} max={400} /></>}</p>
      )}
      {(c.evidence ?? []).length > 0 && (
        <pre class="evidence" tabIndex={0} aria-label={`Evidence of ${visible(c.type)}`}>
          {c.evidence.slice(0, 20).map((line, i) => (
            <div key={i} class="log-line"><T v={line} max={8192} /></div>
          ))}
        </pre>
      )}
    </li>
  );
}

function Conditions({ conditions }: { conditions: Condition[] }) {
  const rank = (c: Condition) => (c.verdict === 'bad' ? 0 : c.verdict === 'ok' ? 2 : 1);
  const sorted = conditions.slice().sort((a, b) => rank(a) - rank(b));
  return (
    <Panel title="Conditions" note={`${sorted.filter((c) => rank(c) < 2).length} not ok`}>
      {sorted.length === 0 && <p class="empty">No detector has reported.</p>}
      <ul class="conditions">
        {sorted.map((c) => <ConditionRow key={c.type + c.unit} c={c} />)}
      </ul>
    </Panel>
  );
}

function Facts({ host, facts }: { host: HostSummary; facts: Record<string, unknown> }) {
  const own: [string, unknown][] = [
    ['cell', host.cell], ['pool', host.pool], ['rack', host.rack], ['zone', host.zone],
    ['kernel', host.kernel], ['image', host.image], ['agent', host.agent_version],
    ['revision', host.revision], ['attempt', host.attempt],
  ];
  const seen = new Set(own.map(([k]) => k).concat('agent_version', 'host'));
  const rest = Object.entries(facts).filter(([k]) => !seen.has(k)).sort();
  return (
    <Panel title="Facts">
      <dl class="facts">
        {[...own, ...rest].filter(([, v]) => v !== undefined && v !== '').map(([k, v]) => (
          <div key={k}>
            <dt><T v={k} max={60} /></dt>
            <dd><T v={v} max={160} mono /></dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Tasks({ detail }: { detail: HostDetail }) {
  const tasks = detail.tasks ?? [];
  const note = `${detail.tasks_left} of ${detail.tasks_total} left`;
  return (
    <Panel title="Tasks" note={note}>
      {tasks.length === 0 && <p class="empty">No task runs here.</p>}
      <ul class="plain lines">
        {tasks.slice(0, 100).map((t) => (
          <li key={t.task}>
            <span class="mono"><T v={t.task} max={80} /></span>{' '}
            <b><T v={t.state} max={40} /></b>{' '}
            <span class="dim">job <T v={t.job} max={60} /> · <Age at={t.since} /></span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Head({ name, host }: { name: string; host: HostSummary | undefined }) {
  const waits = host ? waitsFor(host.waits_for) : '';
  const back = formatRoute({ ...route.value, page: 'now', host: '' });
  return (
    <div class="host-head">
      <a class="back" href={back} onClick={(e) => {
        e.preventDefault();
        go({ page: 'now', host: '' });
      }}>‹ All hosts</a>
      <div class="host-title">
        <h1 class="mono"><T v={name} max={120} /></h1>
        {host && <span class="big"><StateBadge host={host} /></span>}
        {host && <Overlays host={host} />}
        <CopyCli command={describeHost(name)} />
      </div>
      {host && (
        <p class="dim">
          since <Clock at={host.since} /> (<Age at={host.since} />) · pool <T v={host.pool} />
          {' '}· rack <T v={host.rack} /> · kernel <T v={host.kernel} /> · agent{' '}
          <T v={host.agent_version} />, seen <Age at={host.seen_at} /> ago
        </p>
      )}
      {waits && <p class="waits-line">Waits for <b><T v={waits} max={160} /></b></p>}
    </div>
  );
}

export function HostPage() {
  const name = route.value.host;
  const { detail, error } = useDetail(name);
  const host = hostByName(name) ?? (detail ? { ...detail, why: '' } : undefined);
  const lines = Array.isArray(detail?.why) ? detail.why : [];
  return (
    <main id="main" class="page">
      <div class="column">
        <Head name={name} host={host} />
        <Problem text={visible(error)} />
        {!host && !error && <p class="empty">{picture.value ? 'Looking…' : 'Connecting…'}</p>}
        {host && <Actions host={host} overrides={detail?.overrides ?? []} />}
        {host && <Why host={host} lines={lines} />}
        {detail && <TimelinePanel items={detail.timeline ?? []} />}
        {host && <Conditions conditions={detail?.conditions ?? host.conditions} />}
      </div>
      <div class="column side">
        {detail && <Tasks detail={detail} />}
        {host && <Facts host={host} facts={detail?.facts ?? {}} />}
      </div>
    </main>
  );
}
