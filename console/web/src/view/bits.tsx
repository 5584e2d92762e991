// Small parts that many views share.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { HostSummary } from '../api/types';
import { copy } from '../acts';
import { age, clock, exact, parseTime } from '../logic/format';
import { LETTER, lookOf, wordOf } from '../logic/look';
import { visible } from '../logic/text';
import { now } from '../store';
import { HeldIcon, LookIcon, ProtectedIcon } from './icons';
import { T } from './text';

// How long ago; ticks.
export function Age({ at }: { at: string | undefined }) {
  const t = parseTime(at);
  return <time dateTime={at} title={exact(at)}>{t === undefined ? '?' : age(now.value - t)}</time>;
}

export function Clock({ at }: { at: string | undefined }) {
  return <time class="clock" dateTime={at} title={exact(at)}>{clock(at, now.value)}</time>;
}

// In how long; "now" once it is past.
export function Until({ at }: { at: string | undefined }) {
  const t = parseTime(at);
  if (t === undefined) return null;
  const left = t - now.value;
  return <time dateTime={at} title={exact(at)}>{left <= 0 ? 'now' : `in ${age(left)}`}</time>;
}

// Shape, letter, word and colour of a host's state.
export function StateBadge({ host }: { host: HostSummary }) {
  const look = lookOf(host);
  return (
    <span class={`badge text-${look}`}>
      <LookIcon look={look} />
      <span class="letter" aria-hidden="true">{LETTER[look]}</span>
      <span>{wordOf(host)}</span>
    </span>
  );
}

export function Overlays({ host }: { host: HostSummary }) {
  return (
    <>
      {host.protected && (
        <span class="badge text-protected"><ProtectedIcon /><span>protected</span></span>
      )}
      {host.held && <span class="badge text-held"><HeldIcon /><span>held</span></span>}
    </>
  );
}

export function CopyCli({ command, label = 'Copy as CLI' }: { command: string; label?: string }) {
  return (
    <button type="button" class="quiet" title={visible(command, 500)}
      onClick={() => void copy(command)}>
      {label}
    </button>
  );
}

export function Command({ command }: { command: string }) {
  return (
    <span class="command">
      <code><T v={command} max={2000} /></code>
      <button type="button" aria-label={`Copy: ${visible(command)}`}
        onClick={() => void copy(command)}>
        Copy
      </button>
    </span>
  );
}

export function Panel(props: {
  title: string; id?: string; note?: ComponentChildren; children: ComponentChildren; class?: string;
}) {
  const auto = useId();
  const id = props.id ?? auto;
  return (
    <section class={`panel ${props.class ?? ''}`} aria-labelledby={`${id}-title`} id={id}>
      <header class="panel-head">
        <h2 id={`${id}-title`}>{props.title}</h2>
        {props.note && <div class="panel-note">{props.note}</div>}
      </header>
      {props.children}
    </section>
  );
}

// A modal dialog of the browser: it keeps the focus, and Esc closes it.
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={props.onClose}
      onClick={(e) => e.target === ref.current && ref.current?.close()}>
      <div class="dialog-body">
        <header>
          <h2 id={id}>{props.title}</h2>
          <button type="button" class="quiet" onClick={() => ref.current?.close()}>Close</button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

export function Problem({ text }: { text: string }) {
  return text ? <p class="problem" role="alert">{text}</p> : null;
}
