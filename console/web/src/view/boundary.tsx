// A part of the page that fails must not take HOLD with it: what is inside is replaced by a line
// that says so, and comes back with the next picture.

import { Component, type ComponentChildren } from 'preact';
import { picture } from '../store';
import { HoldButton } from './frame';
import { T } from './text';

interface Props {
  name: string;
  withHold?: boolean; // for the part that holds the button itself
  children: ComponentChildren;
}

interface Failed {
  error: string;
  at: unknown; // the picture it failed on
}

export class Boundary extends Component<Props, Failed> {
  override state: Failed = { error: '', at: undefined };

  static override getDerivedStateFromError(error: unknown): Failed {
    return { error: error instanceof Error ? error.message : 'unknown', at: picture.peek() };
  }

  override render() {
    const { error, at } = this.state;
    const { name, withHold, children } = this.props;
    if (error === '') return children;
    if (picture.value !== at) queueMicrotask(() => this.setState({ error: '', at: undefined }));
    return (
      <section class="banner degraded" role="alert">
        <p>
          <strong>{name} cannot be shown:</strong> <T v={error} max={200} />. The rest works, HOLD
          too.
        </p>
        {withHold && <HoldButton />}
      </section>
    );
  }
}
