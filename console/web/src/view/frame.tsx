// The frame of every page: mode, grants against limits, freshness, HOLD; below it what is in force
// (holds) and what is wrong (brake, silence), each with the way out.

import { hold, holdError, holding } from '../acts';
import type { IssueList } from '../api/pattern_types';
import type { HoldSource, Limit, Mode } from '../api/types';
import { usePoll } from '../live/poll';
import { age, duration } from '../logic/format';
import { hold as holdCommand, touchHold } from '../logic/cli';
import { visible } from '../logic/text';
import {
  dialog, go, health, hrefTo, picture, quiet, route, silence, tick, type Route,
} from '../store';
import { Age, Clock, Command, Until } from './bits';
import { Brand, ModeIcon } from './icons';
import { T } from './text';

const MEANING: Record<string, string> = {
  auto: 'decides and acts',
  shadow: 'decides, does nothing',
  hold: 'a person stopped it',
  tripped: 'the brake stopped it',
  degraded: 'evidence is stale, nothing new',
};

export function isHeld(mode: Mode): boolean {
  return mode.mode === 'hold' || mode.holds.some((h) => h.scope === 'fleet');
}

function modeWord(mode: Mode): string {
  return isHeld(mode) ? 'hold' : mode.mode;
}

// Out of touch, the mode is what it was when the server last spoke, and says so.
function ModeMark({ mode, needs }: { mode: Mode; needs: number }) {
  const word = modeWord(mode);
  const meaning = MEANING[word] ?? 'not a mode this page knows';
  return (
    <div class={`mode text-mode-${quiet.value ? 'was' : word}`} title={visible(mode.reason)}>
      <ModeIcon mode={word} />
      <div class="mode-words">
        <span><span class="sr">mode </span><strong>{word.toUpperCase()}</strong></span>
        <span class={quiet.value ? 'was' : 'meaning'}>{quiet.value ? 'last known' : meaning}</span>
        {needs > 0 && !quiet.value && (
          <span class="needs-mark">{needs} need{needs === 1 ? 's' : ''} you</span>
        )}
      </div>
    </div>
  );
}

// The fleet's own limit of a kind; where it has none, the fullest of that kind.
function headLimit(limits: readonly Limit[], kind: string): Limit | undefined {
  const fullness = (l: Limit) => (l.max > 0 ? l.used / l.max : 1);
  return limits.filter((l) => l.kind === kind).sort((a, b) =>
    Number(b.scope === 'fleet') - Number(a.scope === 'fleet') || fullness(b) - fullness(a))[0];
}

// A limit that is full somewhere below the fleet stops hosts there, and is said.
function FullMark({ limits }: { limits: readonly Limit[] }) {
  const full = limits.filter((l) => l.scope !== 'fleet' && l.kind !== 'floor' && l.used >= l.max);
  const first = full[0];
  if (!first) return null;
  return (
    <span class="limit-mark full">
      <T v={first.scope} max={30} /> full{full.length > 1 && `, ${full.length - 1} more`}
    </span>
  );
}

function LimitMark({ limit, label }: { limit: Limit | undefined; label: string }) {
  if (!limit) return null;
  const full = limit.used >= limit.max;
  const title = visible(`${limit.name} (${limit.scope}): ${limit.used} of ${limit.max}`);
  return (
    <span class={`limit-mark ${full ? 'full' : ''}`} title={title}>
      <span class="dim">{label}</span> <b>{limit.used}/{limit.max}</b>
      {limit.window_ms ? <span class="dim"> in {duration(limit.window_ms)}</span> : null}
      {full && <span> full</span>}
    </span>
  );
}

const HEALTH_WORD: Record<string, string> = {
  live: 'live', polling: 'polling', connecting: 'connecting', stale: 'STALE',
  unreachable: 'NO SERVER', 'signed-out': 'signed out',
};

function FreshMark() {
  const word = health.value;
  return (
    <div class={`fresh fresh-${word}`} title="how old what you see may be">
      <span class="pulse" aria-hidden="true" />
      <span class="fresh-word">{HEALTH_WORD[word]}</span>
      <span class="fresh-age">{age(silence.value)}</span>
    </div>
  );
}

export function HoldButton() {
  const sending = holding.value === 'sending';
  return (
    <button type="button" class="hold" onClick={() => void hold()} aria-keyshortcuts="H"
      title="Stop everything new, at once. One press; nothing is lost.">
      <svg viewBox="0 0 14 14" aria-hidden="true"><rect x="2" y="2" width="10" height="10" /></svg>
      {sending ? 'HOLDING' : 'HOLD'}
    </button>
  );
}

// The open fleet issues, for their number; read in the frame so that every page has it.
const ISSUES_PATH = '/api/v1/issues?state=open&limit=1';

const LINKS: [Route['page'], string, Route['page'][]][] = [
  ['now', 'Now', ['now', 'host']],
  ['patterns', 'Patterns', ['patterns', 'pattern']],
  ['issues', 'Issues', ['issues', 'issue']],
];

export function PageLinks() {
  const here = route.value.page;
  const signedIn = health.value !== 'signed-out' && !!picture.value;
  const issues = usePoll<IssueList>(signedIn ? ISSUES_PATH : '', 'issues');
  const open = issues.data?.total ?? 0;
  return (
    <>
      {LINKS.map(([page, label, pages]) => (
        <a key={page} href={hrefTo(page)} aria-current={pages.includes(here) ? 'page' : undefined}>
          {label}
          {page === 'issues' && open > 0 && (
            <span class="open-count"><span aria-hidden="true">▲</span>{open}
              <span class="sr"> open</span></span>
          )}
        </a>
      ))}
    </>
  );
}

export function Frame() {
  const p = picture.value;
  const held = !!p && isHeld(p.mode);
  return (
    <header class={`frame ${held ? 'is-held' : ''}`}>
      <div class="bar">
        <a class="name" href="#/" onClick={(e) => { e.preventDefault(); go({ page: 'now' }); }}>
          <Brand /><span>fleetmedic</span>
        </a>
        <nav class="pages" aria-label="Pages"><PageLinks /></nav>
        {p && <ModeMark mode={p.mode} needs={p.needs_you.length} />}
        {p && (
          <div class="marks">
            <LimitMark limit={headLimit(p.limits, 'concurrent')} label="in flight" />
            <LimitMark limit={headLimit(p.limits, 'window')} label="granted" />
            <FullMark limits={p.limits} />
          </div>
        )}
        <FreshMark />
        <button type="button" class="icon help-button" aria-label="Keys and help"
          onClick={() => { dialog.value = 'help'; }}>?</button>
        <HoldButton />
      </div>
    </header>
  );
}

function keyOf(h: HoldSource): string {
  return `${h.source} ${h.id ?? h.who} ${h.scope}`;
}

function Source({ h }: { h: HoldSource }) {
  const what = h.source === 'file' ? 'the HOLD file' : h.source === 'store' ? 'the store' : '';
  return (
    <li>
      <strong><T v={h.who || what || 'unknown'} max={80} /></strong>
      <span> <Clock at={h.since} /></span>
      <span> {h.reason ? <>“<T v={h.reason} max={200} />”</> : 'no reason yet'}</span>
      <span> · <T v={h.scope} max={80} /></span>
      {what && <span> · {what}</span>}
      {h.review_at && <span> · review <Until at={h.review_at} /></span>}
    </li>
  );
}

// Solid where the whole fleet is held; a line of its own where only a part is.
export function HeldBar() {
  const mode = picture.value?.mode;
  if (!mode || (!isHeld(mode) && mode.holds.length === 0)) return null;
  const whole = isHeld(mode);
  return (
    <section class={`held ${whole ? 'whole' : 'part'}`} aria-label="Holds in force">
      <div class="held-text">
        <strong class="held-word">{whole ? 'HELD' : 'HELD IN PART'}</strong>
        {mode.holds.length > 0
          ? <ul>{mode.holds.map((h) => <Source key={keyOf(h)} h={h} />)}</ul>
          : <p><T v={mode.reason || 'the server names no source'} /></p>}
      </div>
      <button type="button" class="on-solid" onClick={() => { dialog.value = 'release'; }}>
        Review &amp; release
      </button>
    </section>
  );
}

function WithoutServer() {
  const file = picture.value?.mode.hold_file;
  return (
    <p class="without">
      To hold without this page, on the server’s host:{' '}
      <Command command={touchHold(file)} /> or <Command command={holdCommand()} />
    </p>
  );
}

function Silence() {
  if (!quiet.value) return null;
  const p = picture.value;
  const gone = health.value === 'unreachable';
  const from = new Date(tick.value - silence.value).toISOString();
  return (
    <section class="banner loud" aria-label="Out of touch">
      <p>
        <strong role="alert">
          {gone ? 'The server cannot be reached.' : 'Nothing heard from the server.'}
        </strong>{' '}
        {p ? <>What you see is {age(silence.value)} old, from <Clock at={from} />. </> : null}
        The page keeps trying.
      </p>
      <WithoutServer />
    </section>
  );
}

function HoldFailed() {
  if (holding.value !== 'failed') return null;
  return (
    <section class="banner hold-failed" role="alert">
      <p><strong>HOLD is not confirmed:</strong> {holdError.value}.</p>
      <WithoutServer />
      <button type="button" class="hold" onClick={() => void hold()}>Try HOLD again</button>
    </section>
  );
}

function Tripped({ mode }: { mode: Mode }) {
  if (!mode.brake.tripped) return null;
  return (
    <section class="banner tripped" aria-label="The brake is on">
      <div>
        <p><ModeIcon mode="tripped" /> <strong>TRIPPED.</strong> The brake stopped all new automatic
          acts. Only a person releases it.</p>
        <ul>
          {mode.brake.causes.map((c) => (
            <li key={c.cause}>
              <b><T v={c.cause} max={80} /></b>: <T v={c.detail} /> · since <Clock at={c.since} />
              {' '}(<Age at={c.since} />)
            </li>
          ))}
        </ul>
      </div>
      <button type="button" onClick={() => { dialog.value = 'brake'; }}>
        Review &amp; release brake
      </button>
    </section>
  );
}

function Degraded({ mode }: { mode: Mode }) {
  if (mode.mode !== 'degraded') return null;
  return (
    <section class="banner degraded" aria-label="Degraded">
      <p><ModeIcon mode="degraded" /> <strong>DEGRADED.</strong> <T v={mode.reason} />. No new
        automatic acts; what people ask for still works.</p>
      <WithoutServer />
    </section>
  );
}

export function Banners() {
  const mode = picture.value?.mode;
  return (
    <>
      <HoldFailed />
      <HeldBar />
      <Silence />
      {mode && <Tripped mode={mode} />}
      {mode && <Degraded mode={mode} />}
    </>
  );
}
