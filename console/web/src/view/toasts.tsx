// What came of an act. After HOLD, and only then, the page asks for the reason and the scope; no
// answer is needed, the hold stands either way.

import { useState } from 'preact/hooks';
import { dismiss, explainHold, toasts, type Toast } from '../acts';
import { parseScope } from '../logic/scope';
import { Problem } from './bits';
import { T } from './text';

function HeldToast({ t }: { t: Toast }) {
  const [reason, setReason] = useState('');
  const [scope, setScope] = useState('fleet');
  const [error, setError] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    const parsed = parseScope(scope);
    if (!parsed.ok) setError(parsed.error);
    else if (t.override) {
      const failed = await explainHold(t.override, scope.trim(), reason.trim());
      if (failed) setError(failed);
      else dismiss(t.id);
    }
  };
  return (
    <form class="toast toast-held" onSubmit={(e) => void submit(e)} aria-label="About this hold">
      <p><strong>{t.text}</strong> Say why, if you like.</p>
      <label class="field">
        <span>Reason (optional)</span>
        <input value={reason} maxLength={500} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
      <label class="field">
        <span>Scope: fleet, or pool:NAME, rack:NAME, rule:NAME, host:NAME</span>
        <input value={scope} spellcheck={false} autocapitalize="none"
          onInput={(e) => { setScope(e.currentTarget.value); setError(''); }} />
      </label>
      <Problem text={error} />
      <div class="row">
        <button type="submit">Save</button>
        <button type="button" class="quiet" onClick={() => dismiss(t.id)}>Not now</button>
      </div>
    </form>
  );
}

function PlainToast({ t }: { t: Toast }) {
  return (
    <div class={`toast toast-${t.tone}`}>
      <p><T v={t.text} /></p>
      {t.command && <code class="block"><T v={t.command} max={2000} /></code>}
      <button type="button" class="quiet" onClick={() => dismiss(t.id)}>Dismiss</button>
    </div>
  );
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((t) => (t.kind === 'held'
        ? <HeldToast key={t.id} t={t} /> : <PlainToast key={t.id} t={t} />))}
    </div>
  );
}
