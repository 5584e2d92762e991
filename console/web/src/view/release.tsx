// What a release asks: what is held and by whom, what waits behind it, and why it may go.

import { useState } from 'preact/hooks';
import { release, releaseBrake, toast } from '../acts';
import type { HostSummary, HoldSource, Released } from '../api/types';
import * as cli from '../logic/cli';
import { plural } from '../logic/format';
import { isMoving, lookOf, waitsFor } from '../logic/look';
import { visible } from '../logic/text';
import { allHosts, dialog, picture } from '../store';
import { Age, Clock, Command, CopyCli, Dialog, Problem, StateBadge } from './bits';
import { ModeIcon } from './icons';
import { T } from './text';

const SHOWN_MAX = 3;

function close(): void {
  dialog.value = 'none';
}

function Waiting() {
  const moving = allHosts.value.filter(isMoving);
  const asking = allHosts.value.filter((h) => lookOf(h) === 'suspect');
  const all = [...moving, ...asking];
  if (all.length === 0) return <p class="waits">Nothing waits behind it.</p>;
  return (
    <div class="waits">
      <p>
        <strong>{plural(all.length, 'host')} will be looked at again:</strong>{' '}
        {moving.length} under way, {asking.length} suspect. Each decision is taken afresh, within
        the limits.
      </p>
      <ul class="plain">
        {all.slice(0, SHOWN_MAX).map((h) => <WaitingHost key={h.host} host={h} />)}
      </ul>
      {all.length > SHOWN_MAX && <p class="dim">and {all.length - SHOWN_MAX} more</p>}
    </div>
  );
}

function WaitingHost({ host }: { host: HostSummary }) {
  const waits = waitsFor(host.waits_for);
  return (
    <li>
      <T v={host.host} mono /> <StateBadge host={host} />{' '}
      <span class="dim">
        {waits ? <>waits for <T v={waits} /></> : <T v={host.why} max={120} />}
      </span>
    </li>
  );
}

function Sources({ holds }: { holds: HoldSource[] }) {
  return (
    <ul class="plain">
      {holds.map((h) => (
        <li key={`${h.source} ${h.id ?? h.who} ${h.scope}`}>
          <b><T v={h.who || h.source} /></b> since <Clock at={h.since} /> (<Age at={h.since} />)
          {' '}· <T v={h.scope} /> · {h.reason ? <>“<T v={h.reason} />”</> : 'no reason given'}
          {h.source === 'file' && (
            <> · a file: remove it on its host with{' '}
              <Command command={cli.removeHold(h.path ?? picture.value?.mode.hold_file)} /></>
          )}
        </li>
      ))}
    </ul>
  );
}

function Still({ result }: { result: Released }) {
  return (
    <div>
      <p role="status">
        <strong>{result.released.length} released; still held.</strong> These remain, and nothing
        starts until they go:
      </p>
      <Sources holds={result.still} />
    </div>
  );
}

export function ReleaseDialog() {
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const [result, setResult] = useState<Released | undefined>(undefined);
  const mode = picture.value?.mode;
  const submit = async (e: Event) => {
    e.preventDefault();
    if (reason.trim() === '') {
      setError('Say why: the next person reads it.');
      return;
    }
    const done = await release(reason.trim());
    if (typeof done === 'string') setError(done);
    else if (done.still.length > 0) setResult(done);
    else {
      toast({ tone: 'ok', text: `Released: ${visible(reason.trim())}` });
      close();
    }
  };
  return (
    <Dialog title="Review and release" onClose={close}>
      {result ? <Still result={result} /> : (
        <form onSubmit={(e) => void submit(e)}>
          <h3>Held by</h3>
          {mode && <Sources holds={mode.holds} />}
          <h3>What waits</h3>
          <Waiting />
          <label class="field">
            <span>Why release now (required)</span>
            <input value={reason} required maxLength={500} autoFocus
              onInput={(e) => { setReason(e.currentTarget.value); setError(''); }} />
          </label>
          <Problem text={error} />
          <div class="row">
            <button type="submit" class="primary">Release what I may</button>
            <CopyCli command={cli.release(reason.trim())} />
          </div>
        </form>
      )}
    </Dialog>
  );
}

export function BrakeDialog() {
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const brake = picture.value?.mode.brake;
  const submit = async (e: Event) => {
    e.preventDefault();
    if (reason.trim() === '') {
      setError('Say why: the next person reads it.');
      return;
    }
    const failed = await releaseBrake(reason.trim());
    if (failed) setError(failed);
    else close();
  };
  return (
    <Dialog title="Release the brake" onClose={close}>
      <form onSubmit={(e) => void submit(e)}>
        <h3><ModeIcon mode="tripped" /> Why it is on</h3>
        <ul class="plain">
          {(brake?.causes ?? []).map((c) => (
            <li key={c.cause}>
              <b><T v={c.cause} /></b>: <T v={c.detail} /> · since <Clock at={c.since} />
            </li>
          ))}
        </ul>
        <p class="dim">If a cause still holds, the brake trips again at the next look.</p>
        <h3>What waits</h3>
        <Waiting />
        <label class="field">
          <span>Why release now (required)</span>
          <input value={reason} required maxLength={500} autoFocus
            onInput={(e) => { setReason(e.currentTarget.value); setError(''); }} />
        </label>
        <Problem text={error} />
        <div class="row"><button type="submit" class="primary">Release the brake</button></div>
      </form>
    </Dialog>
  );
}
