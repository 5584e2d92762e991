// One pattern: on how many hosts, since when, with which values, and what those hosts share.

import type { PatternDetail, PatternDiff } from '../api/pattern_types';
import { usePoll } from '../live/poll';
import { patternDiff, patternShow } from '../logic/cli';
import { count, parseTime, plural } from '../logic/format';
import { parseSelection, selection } from '../logic/series';
import { addressPart, visible } from '../logic/text';
import { go, hrefOf, hrefTo, route } from '../store';
import { Age, Clock, Command, CopyCli, Panel, Problem } from './bits';
import { Differs } from './differs';
import { Examples, PatternText, Reading, Variables } from './pattern_bits';
import { PatternMarks, RangeSelect } from './patterns';
import { Series } from './series';
import { T } from './text';

const HOSTS_SHOWN = 60;
const DIFF_LEAST_MS = 15_000;
const LATELY: [string, number][] = [['5 minutes', 5], ['10 minutes', 10], ['30 minutes', 30]];

function Head({ name, p }: { name: string; p: PatternDetail | undefined }) {
  return (
    <div class="summary">
      <p><a href={hrefTo('patterns')}>← all patterns</a></p>
      <h1>{p ? <PatternText text={p.text || name} max={600} /> : <T v={name} max={120} />}</h1>
      <p class="dim">
        <span class="mono"><T v={name} max={130} /></span>
        {p && p.kind === 'rule' && <> · rule{p.version && <> <T v={p.version} max={20} /></>}</>}
        {p && <> · first <Clock at={p.first_seen} /> (<Age at={p.first_seen} /> ago)</>}
        {' '}{p && <PatternMarks p={p} />}
      </p>
    </div>
  );
}

function Numbers({ p }: { p: PatternDetail }) {
  return (
    <dl class="numbers">
      <div><dt>Hosts in {route.value.range}</dt>
        <dd>{p.hosts_cut && '≥ '}{count(p.hosts)}</dd></div>
      <div><dt>Hosts in the last 10 m</dt><dd>{count(p.hosts_10m)}</dd></div>
      <div><dt>Lines</dt><dd>{count(p.lines)}</dd></div>
      <div><dt>Last seen</dt><dd><Age at={p.last_seen} /> ago</dd></div>
    </dl>
  );
}

// The way to select a time without dragging.
function SelectTime({ now }: { now: number }) {
  const { sel } = route.value;
  const chosen = parseSelection(sel);
  return (
    <div class="row select-time">
      <label class="group">
        <span>compare hosts hit in</span>
        <select value={chosen ? 'chosen' : 'all'} onChange={(e) => {
          const minutes = Number(e.currentTarget.value);
          if (minutes > 0) go({ sel: selection(now - minutes * 60_000, now) }, true);
          else go({ sel: '' }, true);
        }}>
          <option value="all">the whole range</option>
          {chosen && <option value="chosen">the selected time</option>}
          {LATELY.map(([label, minutes]) => (
            <option key={minutes} value={minutes}>the last {label}</option>
          ))}
        </select>
      </label>
      {chosen && (
        <>
          <span>
            <Clock at={new Date(chosen.from).toISOString()} /> to{' '}
            <Clock at={new Date(chosen.to).toISOString()} />
          </span>
          <button type="button" class="quiet" onClick={() => go({ sel: '' }, true)}>
            Clear the selection
          </button>
        </>
      )}
    </div>
  );
}

function DiffPanel({ name, now }: { name: string; now: number }) {
  const { range, sel } = route.value;
  const chosen = parseSelection(sel) ? sel : '';
  const query = new URLSearchParams({ range, ...(chosen ? { sel: chosen } : {}) });
  const { data, error } = usePoll<PatternDiff>(
    `/api/v1/patterns/${addressPart(name)}/diff?${query}`, 'patterns', DIFF_LEAST_MS);
  return (
    <Panel title="What differs" note={<CopyCli command={patternDiff(name, range, chosen)} />}>
      <SelectTime now={now} />
      <Problem text={visible(error)} />
      {data ? <Differs diff={data} /> : !error && <p class="empty">Comparing…</p>}
    </Panel>
  );
}

function HostsPanel({ p }: { p: PatternDetail }) {
  const more = p.hosts - Math.min(p.hosts_listed.length, HOSTS_SHOWN);
  return (
    <Panel title="Hosts" note={plural(p.hosts, 'host')}>
      <ul class="host-names">
        {p.hosts_listed.slice(0, HOSTS_SHOWN).map((h) => (
          <li key={h.host}>
            <a class="mono" href={hrefOf(h.host)}><T v={h.host} max={60} /></a>{' '}
            <span class="dim"><Age at={h.last_seen} /></span>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="dim">and {count(more)} more</p>}
    </Panel>
  );
}

function NoRule({ name }: { name: string }) {
  return (
    <Panel title="No rule matches it">
      <p>To have it found by name, with what it means for a host:</p>
      <Command command={`fleetmedic rules from-template ${name}`} />
    </Panel>
  );
}

export function PatternPage() {
  const { id, range } = route.value;
  const { data, error } = usePoll<PatternDetail>(
    `/api/v1/patterns/${addressPart(id)}?range=${range}`, 'patterns');
  const now = parseTime(data?.now) ?? Date.now();
  return (
    <main id="main" class="page">
      <div class="column">
        <Head name={id} p={data} />
        <Problem text={visible(error)} />
        {!data && !error && <p class="empty">Looking…</p>}
        {data && (
          <Panel title="When" note={<CopyCli command={patternShow(id, range)} />}>
            <div class="tools"><RangeSelect /></div>
            <Reading on={data.reading} />
            <Numbers p={data} />
            <Series points={data.series} from={parseTime(data.from) ?? now} to={now}
              stepMs={data.step_ms} onSelect={(a, b) => go({ sel: selection(a, b) }, true)} />
          </Panel>
        )}
        {data && <DiffPanel name={id} now={now} />}
        {data && <Examples examples={data.examples} />}
      </div>
      <div class="column side">
        {data && <Variables variables={data.variables} />}
        {data && <HostsPanel p={data} />}
        {data?.kind === 'template' && <NoRule name={id} />}
      </div>
    </main>
  );
}
