// What differs between hosts that were hit and the others: bars with numbers. The hit are hatched,
// the others outlined, so that colour is spare.

import type { Difference, PatternDiff } from '../api/pattern_types';
import { count, plural } from '../logic/format';
import { factWords, percent, share } from '../logic/series';
import { T } from './text';

const ROWS_MAX = 12;

function Bar({ of, kind }: { of: number; kind: 'hit' | 'others' }) {
  return (
    <span class={`share ${kind}`} aria-hidden="true">
      <span class="share-fill" style={{ width: `${of * 100}%` }} />
    </span>
  );
}

function Said({ of, part, whole }: { of: number; part: number; whole: number }) {
  return (
    <span class="said">
      <b>{percent(of)}</b> <span class="dim">{count(part)} of {count(whole)}</span>
    </span>
  );
}

function Row({ d }: { d: Difference }) {
  const words = factWords(d);
  const hit = share(d.hit_with, d.hit);
  const others = share(d.others_with, d.others);
  return (
    <tr>
      <th scope="row">
        <span class="dim"><T v={words.fact} max={60} /></span>{' '}
        <span class="mono"><T v={words.value} max={80} /></span>
      </th>
      <td>
        <Bar of={hit} kind="hit" /><Said of={hit} part={d.hit_with} whole={d.hit} />
      </td>
      <td>
        <Bar of={others} kind="others" />
        <Said of={others} part={d.others_with} whole={d.others} />
      </td>
    </tr>
  );
}

export function DiffRows({ rows }: { rows: readonly Difference[] }) {
  if (rows.length === 0) return null;
  return (
    <div class="differs-box">
      <table class="differs">
        <thead>
          <tr>
            <th scope="col">Fact</th>
            <th scope="col"><span class="key hit" aria-hidden="true" /> Hit</th>
            <th scope="col"><span class="key others" aria-hidden="true" /> Others</th>
          </tr>
        </thead>
        <tbody>{rows.slice(0, ROWS_MAX).map((d, i) => <Row key={i} d={d} />)}</tbody>
      </table>
      {rows.length > ROWS_MAX && <p class="dim">and {rows.length - ROWS_MAX} more, weaker</p>}
    </div>
  );
}

export function NotDifferent({ facts }: { facts: readonly string[] }) {
  if (facts.length === 0) return null;
  return <p class="dim">Not different: <T v={facts.join(', ')} max={600} /></p>;
}

export function Differs({ diff }: { diff: PatternDiff }) {
  return (
    <>
      <p class="why-large"><T v={diff.why} max={500} /></p>
      <p class="dim">
        {plural(diff.hit, 'host')} hit, compared with {plural(diff.others, 'other')}
        {!diff.enough && ' · not enough to compare, so nothing is drawn'}
      </p>
      {diff.enough && <DiffRows rows={diff.rows} />}
      <NotDifferent facts={diff.not_different} />
    </>
  );
}
