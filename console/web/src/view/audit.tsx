// Who did what, and why: the newest entries, and on demand the ones before them with the state of
// the chain.

import { useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';
import type { AuditEntry, AuditPage } from '../api/types';
import { count } from '../logic/format';
import { picture } from '../store';
import { Clock, Panel, Problem } from './bits';
import { T } from './text';

const SHOWN = 12;

function Entry({ e }: { e: AuditEntry }) {
  return (
    <li>
      <Clock at={e.at} />
      <div>
        <p>
          <b><T v={e.action} max={60} /></b> <T v={e.object} max={80} mono />{' '}
          <span class="dim">by <T v={e.who} max={80} /></span>
        </p>
        {e.why && <p class="dim"><T v={e.why} max={200} /></p>}
      </div>
      <span class="result"><T v={e.result} max={40} /></span>
    </li>
  );
}

function chainText(page: AuditPage | undefined): string {
  if (!page?.chain) return '';
  return page.chain.ok
    ? `chain ok to ${count(page.chain.to_seq)}` : `CHAIN BROKEN after ${count(page.chain.to_seq)}`;
}

export function Audit() {
  const [page, setPage] = useState<AuditPage | undefined>(undefined);
  const [error, setError] = useState('');
  const recent = picture.value?.recent ?? [];
  const known = new Set(recent.map((e) => e.seq));
  const older = (page?.items ?? []).filter((e) => !known.has(e.seq));
  const shown = page
    ? [...recent, ...older].sort((a, b) => b.seq - a.seq) : recent.slice(0, SHOWN);
  const more = async () => {
    try {
      setPage(await get<AuditPage>('/api/v1/audit?limit=200'));
      setError('');
    } catch (e) {
      setError(e instanceof ApiError ? e.message : 'the audit could not be read');
    }
  };
  return (
    <Panel title="Just happened" id="audit" note={chainText(page)}>
      {shown.length === 0 && <p class="empty">Nothing has been recorded yet.</p>}
      <ul class="audit">{shown.map((e) => <Entry key={e.seq} e={e} />)}</ul>
      <Problem text={error} />
      {!page && <button type="button" class="quiet" onClick={() => void more()}>Show more</button>}
    </Panel>
  );
}
