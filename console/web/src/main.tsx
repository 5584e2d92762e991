// The console: takes the token out of the address, signs in, and shows the page.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, signIn, takeToken } from './api/client';
import { startKeys } from './keys';
import { visible } from './logic/text';
import { connection, dialog, go, health, picture, route, startRouting, type Route } from './store';
import { Problem } from './view/bits';
import { Boundary } from './view/boundary';
import { Banners, Frame, isHeld, PageLinks } from './view/frame';
import { HelpDialog } from './view/help';
import { HostPage } from './view/host';
import { IssuePage } from './view/issue';
import { IssuesPage } from './view/issues';
import { NowPage } from './view/now';
import { PatternPage } from './view/pattern';
import { PatternsPage } from './view/patterns';
import { BrakeDialog, ReleaseDialog } from './view/release';
import { Toasts } from './view/toasts';

function SignIn() {
  const [token, setToken] = useState('');
  const [error, setError] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    try {
      await signIn(token.trim());
      setToken('');
      connection.refresh();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : 'that did not work');
    }
  };
  return (
    <main id="main" class="page single">
      <form class="panel sign-in" onSubmit={(e) => void submit(e)}>
        <h1>Sign in</h1>
        <p>
          Open the address that <code>fleetmedic up</code> prints, or paste the token at its end.
        </p>
        <label class="field">
          <span>Token</span>
          <input type="password" value={token} autoComplete="off"
            onInput={(e) => setToken(e.currentTarget.value)} />
        </label>
        <Problem text={error} />
        <div class="row"><button type="submit" class="primary">Sign in</button></div>
      </form>
    </main>
  );
}

function Page() {
  if (health.value === 'signed-out') return <SignIn />;
  const { page } = route.value;
  if (page === 'host') return <HostPage />;
  if (page === 'patterns') return <PatternsPage />;
  if (page === 'pattern') return <PatternPage />;
  if (page === 'issues') return <IssuesPage />;
  if (page === 'issue') return <IssuePage />;
  if (picture.value) return <NowPage />;
  return <main id="main" class="page single"><p class="empty">Connecting…</p></main>;
}

// Says a change of the mode or of the link aloud, once.
function Announcer() {
  const mode = picture.value?.mode;
  const word = !mode ? '' : isHeld(mode) ? 'HOLD' : mode.mode.toUpperCase();
  return <p class="sr" role="status">{word && `Mode ${word}. ${health.value}.`}</p>;
}

function showHosts(): void {
  go({ page: 'now', host: '', id: '' });
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  // The page of the hosts is drawn first.
  setTimeout(() => document.getElementById('hosts')
    ?.scrollIntoView({ behavior: calm ? 'instant' : 'smooth', block: 'start' }), 50);
}

// The thumb's way around on a phone.
function ThumbBar() {
  if (!picture.value || health.value === 'signed-out') return null;
  return (
    <nav class="thumbs" aria-label="Pages, below">
      <PageLinks />
      <button type="button" onClick={showHosts}>Hosts</button>
      <button type="button" onClick={() => { dialog.value = 'help'; }}>Help</button>
    </nav>
  );
}

// Where the first page stood when a host was opened: the way back leads there.
let leftAt = 0;
let lastPage = '';
effect(() => {
  const { page } = route.value;
  if (lastPage === 'now' && page !== 'now') leftAt = window.scrollY;
  lastPage = page;
});

function App() {
  const { page, host, id } = route.value;
  useEffect(() => { window.scrollTo(0, page === 'now' ? leftAt : 0); }, [page, host, id]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => {
        e.preventDefault();
        document.querySelector<HTMLElement>('#main a, #main button, #main input')?.focus();
      }}>Skip to the page</a>
      <Boundary name="The bar" withHold><Frame /></Boundary>
      <Boundary name="What is in force"><Banners /></Boundary>
      <Boundary name="This page"><Page /></Boundary>
      <ThumbBar />
      <Toasts />
      <Announcer />
      {dialog.value === 'help' && <HelpDialog />}
      {dialog.value === 'release' && <ReleaseDialog />}
      {dialog.value === 'brake' && <BrakeDialog />}
    </>
  );
}

function titleOf(r: Route): string {
  if (r.page === 'host') return visible(r.host, 80);
  if (r.page === 'pattern' || r.page === 'issue') return visible(r.id, 80);
  return r.page === 'patterns' ? 'Patterns' : r.page === 'issues' ? 'Issues' : '';
}

effect(() => {
  const p = picture.value;
  const parts = [
    p && isHeld(p.mode) ? 'HELD' : p?.mode.brake.tripped ? 'TRIPPED' : '',
    p && p.needs_you.length > 0 ? `${p.needs_you.length} need you` : '',
    titleOf(route.value),
    'fleetmedic',
  ];
  document.title = parts.filter(Boolean).join(' · ');
});

async function start(): Promise<void> {
  const token = takeToken();
  startRouting();
  startKeys();
  const root = document.getElementById('app');
  if (root) render(<App />, root);
  if (token) await signIn(token).catch(() => undefined); // /state says 401, and the page asks
  connection.start();
}

void start();
