// The fleet's log patterns, the most novel on the most hosts first.

import { useEffect, useRef } from 'preact/hooks';
import type { PatternList, PatternSummary } from '../api/pattern_types';
import { listKeys } from '../keys';
import { usePoll } from '../live/poll';
import { patternsTop } from '../logic/cli';
import { count, plural } from '../logic/format';
import { visible } from '../logic/text';
import { go, hrefTo, ONLY, RANGES, route, SORTS, type Only, type Route } from '../store';
import { Age, CopyCli, Panel, Problem } from './bits';
import { PatternText, Reading, Sparkline } from './pattern_bits';
import { T } from './text';

const ONLY_WORDS: Record<Only, string> = {
  new: 'New only', rising: 'Rising', unmatched: 'Matched by no rule',
};
const SORT_WORDS: Record<Route['sort'], string> = {
  rank: 'hosts × novelty', hosts: 'hosts', lines: 'lines', new: 'newest', name: 'name',
};
const ITEMS_MAX = 200;

export function listPath(r: Route): string {
  const query = new URLSearchParams({ range: r.range, limit: String(ITEMS_MAX) });
  if (r.words) query.set('q', r.words);
  if (/^[^=]+=.+$/.test(r.scope)) query.set('scope', r.scope);
  if (r.sort !== 'rank') query.set('sort', r.sort);
  for (const word of r.only) query.set(word, '1');
  return `/api/v1/patterns?${query}`;
}

export function RangeSelect() {
  return (
    <label class="group">
      <span>range</span>
      <select value={route.value.range}
        onChange={(e) => go({ range: e.currentTarget.value as Route['range'], sel: '' }, true)}>
        {RANGES.map((r) => <option key={r} value={r}>{r}</option>)}
      </select>
    </label>
  );
}

function Tools() {
  const { words, scope, sort, only } = route.value;
  const toggle = (word: Only) =>
    go({ only: ONLY.filter((w) => (w === word) !== only.includes(w)) }, true);
  return (
    <div class="tools">
      <div class="filter">
        <label class="sr" for="filter">Words in a pattern</label>
        <input id="filter" type="search" value={words} spellcheck={false} autocomplete="off"
          autocapitalize="none" placeholder="Words:  nvme timeout"
          onInput={(e) => go({ words: e.currentTarget.value }, true)} />
      </div>
      <label class="group">
        <span>scope</span>
        <input class="scope" value={scope} spellcheck={false} autocomplete="off"
          autocapitalize="none" placeholder="rack=r17"
          onInput={(e) => go({ scope: e.currentTarget.value.trim() }, true)} />
      </label>
      <RangeSelect />
      <label class="group">
        <span>first</span>
        <select value={sort}
          onChange={(e) => go({ sort: e.currentTarget.value as Route['sort'] }, true)}>
          {SORTS.map((s) => <option key={s} value={s}>{SORT_WORDS[s]}</option>)}
        </select>
      </label>
      <div class="chips" role="group" aria-label="Only">
        {ONLY.map((word) => (
          <button type="button" key={word} class="chip" aria-pressed={only.includes(word)}
            onClick={() => toggle(word)}>
            {ONLY_WORDS[word]}
          </button>
        ))}
      </div>
    </div>
  );
}

export function PatternMarks({ p }: { p: PatternSummary }) {
  return (
    <span class="pattern-marks">
      {p.new && <span class="tag tag-new">NEW</span>}
      {p.rising && <span class="tag tag-rising"><span aria-hidden="true">↑ </span>rising</span>}
      {p.issue && (
        <a class="tag tag-issue" href={hrefTo('issue', p.issue)}>
          <span aria-hidden="true">▲ </span><T v={p.issue} max={40} />
        </a>
      )}
      {p.kind === 'template' && <span class="tag tag-norule">no rule</span>}
    </span>
  );
}

function Row({ p }: { p: PatternSummary }) {
  return (
    <li class="pattern-row">
      <span class="pattern-hosts">
        <b>{p.hosts_cut && '≥ '}{count(p.hosts)}</b>{' '}
        <span class="dim">host{p.hosts !== 1 && 's'}</span>
      </span>
      <span class="pattern-lines dim">{count(p.lines)} lines</span>
      <Sparkline numbers={p.trend}
        label={`Hosts over time: ${p.hosts_10m} in the last ten minutes`} />
      <div class="pattern-main">
        <a class="row-link" href={hrefTo('pattern', p.pattern)}
          aria-label={`Pattern ${visible(p.text || p.pattern, 120)}`}>
          <PatternText text={p.text || p.pattern} max={240} />
        </a>
        <p class="dim">
          <span class="mono"><T v={p.pattern} max={80} /></span> · first{' '}
          <Age at={p.first_seen} /> ago <PatternMarks p={p} />
        </p>
      </div>
    </li>
  );
}

// j, k and Enter move the focus from row to row.
function useRowKeys() {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const links = () => [...(list.current?.querySelectorAll<HTMLElement>('.row-link') ?? [])];
    listKeys.current = {
      move(step) {
        const all = links();
        const at = all.indexOf(document.activeElement as HTMLElement);
        all[Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
      },
      open() { (document.activeElement as HTMLElement | null)?.click(); },
    };
    return () => { listKeys.current = undefined; };
  });
  return list;
}

function Rows({ list }: { list: PatternList }) {
  const ref = useRowKeys();
  if (list.items.length === 0) {
    return <p class="empty">No pattern like that in the last {route.value.range}.</p>;
  }
  const hidden = list.matching_total - list.items.length;
  return (
    <>
      <ul class="pattern-list" ref={ref}>
        {list.items.map((p) => <Row key={p.pattern} p={p} />)}
      </ul>
      {hidden > 0 && <p class="dim">and {count(hidden)} more: narrow the words or the scope</p>}
    </>
  );
}

export function PatternsPage() {
  const { data, error, status } = usePoll<PatternList>(listPath(route.value), 'patterns');
  const { scope } = route.value;
  return (
    <main id="main" class="page one">
      <div class="column">
        <div class="summary">
          <h1>Log patterns of the fleet</h1>
          <p class="dim" role="status">
            {data ? `${count(data.lines_total)} lines → ${plural(data.matching_total, 'pattern')} ` +
              `in the last ${route.value.range}, of ${count(data.patterns_total)} in 24 h`
              : 'Reading…'}
          </p>
        </div>
        <Panel title="Patterns" note={<CopyCli command={patternsTop(route.value)} />}>
          <Tools />
          {scope && !/^[^=]+=.+$/.test(scope) && (
            <p class="problem">A scope is a fact and its value: rack=r17</p>
          )}
          <Problem text={visible(status === 501 ? 'Nobody reads log patterns here.' : error)} />
          {data && <Reading on={data.reading} />}
          {data && <Rows list={data} />}
        </Panel>
      </div>
    </main>
  );
}
