// Fleet issues: what is everybody's and not one host's. The open ones first.

import type { IssueList, IssueSummary } from '../api/pattern_types';
import { usePoll } from '../live/poll';
import { count } from '../logic/format';
import { visible } from '../logic/text';
import { hrefTo } from '../store';
import { Age, CopyCli, Panel, Problem } from './bits';
import { PatternText } from './pattern_bits';
import { T } from './text';

// Shape, word and colour of an issue's state.
export function IssueState({ issue }: { issue: IssueSummary }) {
  const { state } = issue;
  const open = state === 'open';
  return (
    <span class={`badge issue-${open ? 'open' : state === 'closed' ? 'closed' : 'unknown'}`}>
      <span aria-hidden="true">{open ? '▲' : state === 'closed' ? '■' : '?'}</span>
      <span><T v={state} max={20} />{issue.stale && ', stale'}</span>
    </span>
  );
}

function Row({ issue }: { issue: IssueSummary }) {
  const ended = issue.closed_at ?? issue.updated_at;
  return (
    <li class="issue-row">
      <p>
        <IssueState issue={issue} />{' '}
        <a class="strong row-link" href={hrefTo('issue', issue.id)}>
          <T v={issue.id} max={64} />
        </a>{' '}
        <b>{count(issue.hosts_total)} hosts</b> · <T v={issue.scope_text} max={80} />
        <span class="dim"> · since <Age at={issue.opened_at} />
          {issue.stale ? <> · not renewed for <Age at={ended} /></>
            : issue.state === 'open' ? <> · updated <Age at={ended} /> ago</>
            : <> · closed <Age at={ended} /> ago</>}</span>
      </p>
      <p class="issue-why"><T v={issue.why} max={300} /></p>
      <p class="dim"><PatternText text={issue.text || issue.pattern} max={200} /></p>
    </li>
  );
}

export function IssuesPage() {
  const { data, error, status } = usePoll<IssueList>('/api/v1/issues', 'issues');
  const open = data?.items.filter((i) => i.state === 'open') ?? [];
  const closed = data?.items.filter((i) => i.state !== 'open') ?? [];
  return (
    <main id="main" class="page one">
      <div class="column">
        <div class="summary">
          <h1>Fleet issues</h1>
          <p class="dim" role="status">
            {!data ? 'Reading…' : open.length === 0 ? 'None is open.' : `${open.length} open.`}
          </p>
        </div>
        <Problem text={visible(status === 501 ? 'Nobody reads fleet issues here.' : error)} />
        {data && (
          <Panel title="Open" note={<CopyCli command="fleetmedic get issues --state open" />}>
            {open.length === 0 && (
              <p class="empty">No pattern hits more hosts than chance explains.</p>
            )}
            <ul class="issue-list">{open.map((i) => <Row key={i.id} issue={i} />)}</ul>
          </Panel>
        )}
        {closed.length > 0 && (
          <Panel title="Closed">
            <ul class="issue-list">{closed.map((i) => <Row key={i.id} issue={i} />)}</ul>
            {data && data.total > data.items.length && (
              <p class="dim">and {count(data.total - data.items.length)} more</p>
            )}
          </Panel>
        )}
      </div>
    </main>
  );
}
