// One fleet issue: the why in large, who is hit and since when, and what is done about it.

import type { Cause, Difference, Issue } from '../api/pattern_types';
import { usePoll } from '../live/poll';
import { describeIssue } from '../logic/cli';
import { count, duration, parseTime, plural } from '../logic/format';
import { addressPart, visible } from '../logic/text';
import { hrefOf, hrefTo, now, route } from '../store';
import { Age, Clock, CopyCli, Panel, Problem } from './bits';
import { DiffRows, NotDifferent } from './differs';
import { HeldIcon } from './icons';
import { IssueState } from './issues';
import { Examples, PatternText } from './pattern_bits';
import { Series } from './series';
import { T } from './text';

const HOSTS_SHOWN = 100;
const MINUTE = 60_000;

function Head({ id, issue }: { id: string; issue: Issue | undefined }) {
  return (
    <div class="summary">
      <p><a href={hrefTo('issues')}>← all issues</a></p>
      <h1>
        {issue && <IssueState issue={issue} />} <T v={id} max={64} />
        {issue && <>: {plural(issue.hosts_total, 'host')}, <T v={issue.scope_text} max={80} /></>}
      </h1>
      {issue && (
        <p class="dim">
          since <Clock at={issue.opened_at} /> (<Age at={issue.opened_at} />)
          {issue.first_at && <> · first line <Clock at={issue.first_at} /></>}
          {issue.closed_at ? <> · closed <Clock at={issue.closed_at} /></>
            : <> · updated <Age at={issue.updated_at} /> ago</>}
        </p>
      )}
    </div>
  );
}

function asRow(cause: Cause): Difference {
  const words = cause.facts.map((f) => `${f.fact} ${f.value}`).join(' and ');
  return {
    fact: '', value: words || cause.sentence, hit_with: cause.hit_with, hit: cause.hit,
    others_with: cause.others_with, others: cause.others, log10_p: cause.log10_p,
  };
}

function CauseLine({ cause }: { cause: Cause }) {
  return (
    <li>
      <p>{cause.likely && <b>Likely: </b>}<T v={cause.sentence} max={400} /></p>
      {cause.same_hosts.length > 0 && (
        <p class="dim">the same hosts: <T v={cause.same_hosts.join(', ')} max={300} /></p>
      )}
      {cause.changed_at && (
        <p class="dim">it changed at <Clock at={cause.changed_at} /> (<Age at={cause.changed_at} />
          {' '}ago)</p>
      )}
    </li>
  );
}

function WhyPanel({ issue }: { issue: Issue }) {
  return (
    <Panel title="Why these hosts" class="why-panel"
      note={<CopyCli command={describeIssue(issue.id)} />}>
      <p class="why-large"><T v={issue.why} max={600} /></p>
      <DiffRows rows={issue.causes.map(asRow)} />
      <ul class="lines causes">{issue.causes.map((c, i) => <CauseLine key={i} cause={c} />)}</ul>
      <NotDifferent facts={issue.not_different} />
    </Panel>
  );
}

function Response({ issue }: { issue: Issue }) {
  if (!issue.response) return null;
  return (
    <Panel title="What is done" class="response">
      {issue.stale && (
        <p class="problem">
          Nobody watches it: not renewed for <Age at={issue.updated_at} />, its stream is silent.
          It holds until a stream closes it; a person may drain a host by name.
        </p>
      )}
      <p class="text-held"><HeldIcon /> <strong><T v={issue.response} max={400} /></strong></p>
    </Panel>
  );
}

function When({ issue }: { issue: Issue }) {
  const points = issue.series.map((p) => ({ at: p.minute, hosts: p.hosts }));
  const first = parseTime(points[0]?.at) ?? parseTime(issue.opened_at) ?? now.value;
  const last = parseTime(issue.closed_at) ?? parseTime(issue.updated_at) ?? now.value;
  return (
    <Panel title="When">
      <p class="dim">
        Told by {count(issue.hosts_in_window)} hosts in {duration(issue.window_ms)} of{' '}
        {count(issue.hosts_reporting)} that report, where{' '}
        {issue.expected < 10 ? issue.expected.toFixed(2) : count(issue.expected)} are usual
        {' '}· {plural(issue.lines, 'line')}
      </p>
      <Series points={points} from={first} to={last} stepMs={MINUTE} />
    </Panel>
  );
}

function HostsPanel({ issue }: { issue: Issue }) {
  const more = issue.hosts_total - Math.min(issue.hosts.length, HOSTS_SHOWN);
  return (
    <Panel title="Hosts hit" note={plural(issue.hosts_total, 'host')}>
      <ul class="host-names">
        {issue.hosts.slice(0, HOSTS_SHOWN).map((h) => (
          <li key={h}><a class="mono" href={hrefOf(h)}><T v={h} max={60} /></a></li>
        ))}
      </ul>
      {more > 0 && <p class="dim">and {count(more)} more</p>}
    </Panel>
  );
}

export function IssuePage() {
  const { id } = route.value;
  const { data, error } = usePoll<Issue>(`/api/v1/issues/${addressPart(id)}`, 'issues');
  return (
    <main id="main" class="page">
      <div class="column">
        <Head id={id} issue={data} />
        <Problem text={visible(error)} />
        {!data && !error && <p class="empty">Looking…</p>}
        {data && <WhyPanel issue={data} />}
        {data && <Response issue={data} />}
        {data && <When issue={data} />}
        {data && <Examples examples={data.examples} />}
      </div>
      <div class="column side">
        {data && (
          <Panel title="Pattern">
            <p><PatternText text={data.text || data.pattern} max={400} /></p>
            <p class="row">
              <a class="button" href={hrefTo('pattern', data.pattern)}>
                Open <T v={data.pattern} max={40} />
              </a>
            </p>
          </Panel>
        )}
        {data && <HostsPanel issue={data} />}
      </div>
    </main>
  );
}
