// The console: takes the token out of the address, signs in, and shows the page.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, signIn, takeToken } from './api/client';
import { startKeys } from './keys';
import { visible } from './logic/text';
import { connection, dialog, health, picture, route, startRouting } from './store';
import { Problem } from './view/bits';
import { Boundary } from './view/boundary';
import { Banners, Frame, isHeld } from './view/frame';
import { HelpDialog } from './view/help';
import { HostPage } from './view/host';
import { NowPage } from './view/now';
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
  if (route.value.page === 'host') return <HostPage />;
  if (picture.value) return <NowPage />;
  return <main id="main" class="page single"><p class="empty">Connecting…</p></main>;
}

// Says a change of the mode or of the link aloud, once.
function Announcer() {
  const mode = picture.value?.mode;
  const word = !mode ? '' : isHeld(mode) ? 'HOLD' : mode.mode.toUpperCase();
  return <p class="sr" role="status">{word && `Mode ${word}. ${health.value}.`}</p>;
}

const SECTIONS: [string, string][] = [
  ['main', 'Now'], ['hosts', 'Hosts'], ['limits', 'Limits'], ['audit', 'Audit'],
];

function scrollToSection(id: string): void {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const behavior = calm ? 'instant' : 'smooth';
  if (id === 'main') window.scrollTo({ top: 0, behavior });
  else document.getElementById(id)?.scrollIntoView({ behavior, block: 'start' });
}

// The thumb's way around on a phone.
function ThumbBar() {
  if (route.value.page !== 'now' || !picture.value) return null;
  return (
    <nav class="thumbs" aria-label="Sections">
      {SECTIONS.map(([id, label]) => (
        <button type="button" key={id} onClick={() => scrollToSection(id)}>{label}</button>
      ))}
      <button type="button" onClick={() => { dialog.value = 'help'; }}>Help</button>
    </nav>
  );
}

// Where the first page stood when a host was opened: the way back leads there.
let leftAt = 0;
let lastPage = '';
effect(() => {
  const { page } = route.value;
  if (lastPage === 'now' && page === 'host') leftAt = window.scrollY;
  lastPage = page;
});

function App() {
  const { page, host } = route.value;
  useEffect(() => { window.scrollTo(0, page === 'now' ? leftAt : 0); }, [page, host]);
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

effect(() => {
  const p = picture.value;
  const parts = [
    p && isHeld(p.mode) ? 'HELD' : p?.mode.brake.tripped ? 'TRIPPED' : '',
    p && p.needs_you.length > 0 ? `${p.needs_you.length} need you` : '',
    route.value.page === 'host' ? visible(route.value.host, 80) : '',
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
