// The shapes. Each look and each mode has one; beside it always stands a word.

import type { ComponentChildren } from 'preact';
import type { Look } from '../logic/look';

function Shape({ children, cls }: { children: ComponentChildren; cls: string }) {
  return (
    <svg class={`shape ${cls}`} viewBox="0 0 14 14" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const LOOK_SHAPES: Record<Look, () => ComponentChildren> = {
  healthy: () => <circle cx="7" cy="7" r="2.6" class="fill" />,
  suspect: () => <path d="M7 2.2 12.4 12H1.6Z" class="line" />,
  tainted: () => <path d="M7 1.4 13 12.4H1Z" class="fill" />,
  draining: () => (
    <>
      <circle cx="7" cy="7" r="5.2" class="line" />
      <path d="M7 1.8a5.2 5.2 0 0 0 0 10.4Z" class="fill" />
    </>
  ),
  drained: () => <rect x="2" y="2" width="10" height="10" class="fill" />,
  recovering: () => (
    <>
      <circle cx="7" cy="7" r="5.2" class="line dashed" />
      <path d="M7 7V1.8A5.2 5.2 0 0 1 12.2 7Z" class="fill" />
    </>
  ),
  failed: () => <path d="M2.6 2.6 11.4 11.4M11.4 2.6 2.6 11.4" class="line bold" />,
  unknown: () => (
    <path d="M4.2 4.6A2.8 2.8 0 1 1 8 7.2C7.2 7.6 7 8 7 9M7 11.2v1.2" class="line" />
  ),
};

export function LookIcon({ look }: { look: Look }) {
  return <Shape cls={`look-${look}`}>{LOOK_SHAPES[look]()}</Shape>;
}

export function ProtectedIcon() {
  return (
    <Shape cls="protected">
      <path d="M7 1.4 12 3v4c0 3-2.2 4.8-5 5.8C4.2 11.8 2 10 2 7V3Z" class="line" />
    </Shape>
  );
}

export function HeldIcon() {
  return <Shape cls="held-mark"><rect x="2.5" y="2.5" width="9" height="9" class="fill" /></Shape>;
}

const MODE_SHAPES: Record<string, () => ComponentChildren> = {
  auto: () => <path d="M3 1.8 12.4 7 3 12.2Z" class="fill" />,
  shadow: () => <path d="M3 1.8 12.4 7 3 12.2Z" class="line" />,
  hold: () => <rect x="2" y="2" width="10" height="10" class="fill" />,
  tripped: () => <path d="M8 1 3 8h3.4L5.6 13 11 5.8H7.6Z" class="fill" />,
  degraded: () => <path d="M1.4 3.4h11.2M3.4 7h7.2M5.4 10.6h3.2" class="line bold" />,
};

export function ModeIcon({ mode }: { mode: string }) {
  const shape = MODE_SHAPES[mode] ?? LOOK_SHAPES.unknown;
  return <Shape cls={`mode-${mode}`}>{shape()}</Shape>;
}

export function NeedIcon() {
  return (
    <Shape cls="need">
      <path d="M7 1.4 13 12.4H1Z" class="line" />
      <path d="M7 5.4v3.2M7 10.2v.6" class="line" />
    </Shape>
  );
}

export function Brand() {
  return (
    <svg class="brand" viewBox="0 0 28 20" aria-hidden="true" focusable="false">
      <path d="M1 11h6l3.4-8 5.4 14 3-6H27" />
    </svg>
  );
}
