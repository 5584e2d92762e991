// What a person may do with one host. Each act says first what it will do and asks why; the command
// that does the same is one press away.

import { useState } from 'preact/hooks';
import { addOverride, endOverride, type NewOverride } from '../acts';
import type { HostSummary, Override } from '../api/types';
import * as cli from '../logic/cli';
import { plural } from '../logic/format';
import { Clock, CopyCli, Panel, Problem, Until } from './bits';
import { ProtectedIcon } from './icons';
import { T } from './text';

const TWO_HOURS_MS = 2 * 3600 * 1000;

interface Act {
  key: string;
  label: string;
  effect: string;
  done: string;
  off: string; // why it cannot be done now; empty where it can
  command(reason: string): string;
  run(reason: string, done: string): Promise<string>;
}

function adding(o: Omit<NewOverride, 'reason'>, forText?: string): Pick<Act, 'command' | 'run'> {
  return {
    command: (reason) => cli.addOverride({ ...o, reason, ...(forText ? { forText } : {}) }),
    run: (reason, done) => addOverride({ ...o, reason }, done),
  };
}

function ending(id: string): Pick<Act, 'command' | 'run'> {
  return {
    command: (reason) => cli.endOverride(id, reason),
    run: (reason, done) => endOverride(id, reason, done),
  };
}

function cancelOf(host: HostSummary, scope: string, overrides: Override[]): Act {
  const drain = overrides.find((o) => o.kind === 'drain' && o.scope === scope);
  const going = host.state === 'tainted' || host.state === 'draining';
  return {
    key: 'cancel', label: 'Cancel', done: `Cancel asked for ${host.host}.`,
    effect: drain
      ? 'Ends the drain that a person asked for. Tasks that have moved stay where they are.'
      : 'Gives the host back instead of draining it. Tasks that have moved stay where they are.',
    off: drain || going ? '' : 'nothing is under way here',
    ...(drain ? ending(drain.id) : adding({ kind: 'return', scope })),
  };
}

function actsOf(host: HostSummary, overrides: Override[]): Act[] {
  const scope = `host:${host.host}`;
  const empty = host.state === 'retired' || host.state === 'drained';
  return [
    {
      key: 'protect', label: 'Protect 2 h', done: `${host.host} is protected for 2 h.`,
      effect: 'No automatic act touches this host for two hours; ' +
        'what runs now stops at its next step.',
      off: host.protected ? 'it is protected already' : '',
      ...adding({ kind: 'protect', scope, for_ms: TWO_HOURS_MS }, '2h'),
    },
    {
      key: 'drain', label: 'Drain…', done: `Drain of ${host.host} asked for.`,
      effect: `Taints the host and moves ${plural(host.tasks_left, 'task')} away, ` +
        'within the limits.',
      off: host.state === 'draining' || empty ? `it is ${host.state}` : '',
      ...adding({ kind: 'drain', scope }),
    },
    {
      key: 'return', label: 'Return', done: `Return of ${host.host} asked for.`,
      effect: 'Puts the host on probation; it takes tasks again once every detector says ok.',
      off: empty ? '' : 'only a drained or retired host is returned',
      ...adding({ kind: 'return', scope }),
    },
    cancelOf(host, scope, overrides),
  ];
}

function ActForm({ act, onClose }: { act: Act; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (reason.trim() === '') {
      setError('Say why: it goes into the audit.');
      return;
    }
    setBusy(true);
    const failed = await act.run(reason.trim(), act.done);
    setBusy(false);
    if (failed) setError(failed);
    else onClose();
  };
  return (
    <form class="act-form" onSubmit={(e) => void submit(e)} aria-label={act.label}>
      <p>{act.effect}</p>
      <label class="field">
        <span>Why (required)</span>
        <input value={reason} maxLength={500} autoFocus
          onInput={(e) => { setReason(e.currentTarget.value); setError(''); }} />
      </label>
      <Problem text={error} />
      <div class="row">
        <button type="submit" class="primary" disabled={busy}>{act.label.replace('…', '')}</button>
        <button type="button" class="quiet" onClick={onClose}>Leave it</button>
        <CopyCli command={act.command(reason.trim())} />
      </div>
    </form>
  );
}

function OverrideRow({ o }: { o: Override }) {
  return (
    <li>
      <b>{o.kind === 'protect' && <ProtectedIcon />} <T v={o.kind} max={20} /></b>{' '}
      <T v={o.scope} max={80} /> by <T v={o.who} max={80} /> <Clock at={o.created_at} />
      {' '}· “<T v={o.reason} max={200} />”
      {o.until && <> · ends <Until at={o.until} /></>}{' '}
      <CopyCli command={cli.endOverride(o.id, '')} label="Copy CLI to end it" />
    </li>
  );
}

export function Actions({ host, overrides }: { host: HostSummary; overrides: Override[] }) {
  const [open, setOpen] = useState('');
  const acts = actsOf(host, overrides);
  const current = acts.find((a) => a.key === open);
  return (
    <Panel title="Actions" class="actions">
      <div class="row">
        {acts.map((a) => (
          <button type="button" key={a.key} aria-disabled={a.off !== ''}
            aria-expanded={open === a.key} title={a.off || a.effect}
            onClick={() => { if (!a.off) setOpen(open === a.key ? '' : a.key); }}>
            {a.label}{a.off && <span class="sr"> (not now: {a.off})</span>}
          </button>
        ))}
      </div>
      {current && <ActForm key={current.key} act={current} onClose={() => setOpen('')} />}
      {overrides.length > 0 && (
        <ul class="plain lines">{overrides.map((o) => <OverrideRow key={o.id} o={o} />)}</ul>
      )}
    </Panel>
  );
}
