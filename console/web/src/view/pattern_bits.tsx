// Small parts of the pages of patterns and issues.

import type { Example, Variable } from '../api/pattern_types';
import { count } from '../logic/format';
import { heights, percent, share, textParts, valueRows } from '../logic/series';
import { hrefOf } from '../store';
import { Age, Panel } from './bits';
import { T } from './text';

// The text of a pattern; what varies stands out by its marks, and by a line beneath.
export function PatternText({ text, max = 400 }: { text: string; max?: number }) {
  return (
    <span class="pattern-text">
      {textParts(text.slice(0, max)).map((p, i) =>
        p.varies ? <span key={i} class="varies"><T v={p.text} max={max} /></span>
          : <T key={i} v={p.text} max={max} />)}
      {text.length > max && '…'}
    </span>
  );
}

const BAR = 4;
const TALL = 22;

export function Sparkline({ numbers, label }: { numbers: readonly number[]; label: string }) {
  const bars = heights(numbers);
  return (
    <svg class="spark" role="img" aria-label={label} viewBox={`0 0 ${bars.length * BAR} ${TALL}`}
      preserveAspectRatio="none">
      {bars.map((h, i) => (
        <rect key={i} x={i * BAR} width={BAR - 1} y={TALL - Math.max(1, h * TALL)}
          height={Math.max(1, h * TALL)} class={h > 0 ? 'on' : 'off'} />
      ))}
    </svg>
  );
}

export function Examples({ examples }: { examples: readonly Example[] }) {
  if (examples.length === 0) return null;
  return (
    <Panel title="Example lines">
      <ul class="examples">
        {examples.map((e, i) => (
          <li key={i}>
            <p class="dim">
              <a class="mono" href={hrefOf(e.host)}><T v={e.host} max={80} /></a>
              {' '}· <T v={e.source} max={60} /> · <Age at={e.at} />
            </p>
            <p class="log-line mono"><T v={e.line} max={600} /></p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const VALUES_MAX = 8;

function Values({ variable }: { variable: Variable }) {
  const { rows, other, all } = valueRows(variable, VALUES_MAX);
  if (all === 0) return null;
  return (
    <div class="values">
      <h3>«<T v={variable.name} max={60} />»</h3>
      <ul>
        {rows.map((r) => (
          <li key={r.value}>
            <span class="mono value"><T v={r.value} max={80} /></span>
            <span class="share" aria-hidden="true">
              <span class="share-fill" style={{ width: `${share(r.lines, all) * 100}%` }} />
            </span>
            <span class="num">{percent(share(r.lines, all))}</span>
            <span class="num dim">{count(r.lines)}</span>
          </li>
        ))}
        {other > 0 && (
          <li class="dim">
            <span>all others</span><span />
            <span class="num">{percent(share(other, all))}</span>
            <span class="num">{count(other)}</span>
          </li>
        )}
      </ul>
    </div>
  );
}

export function Variables({ variables }: { variables: readonly Variable[] }) {
  const told = variables.filter((v) => valueRows(v, 1).all > 0);
  if (told.length === 0) return null;
  return (
    <Panel title="What varies" note={<span class="dim">lines by value</span>}>
      {told.map((v) => <Values key={v.name} variable={v} />)}
    </Panel>
  );
}

export function Reading({ on }: { on: boolean }) {
  return on ? (
    <p class="reading" role="status">The log is still being read: figures grow.</p>
  ) : null;
}
