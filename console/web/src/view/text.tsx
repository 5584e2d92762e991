// Text from outside, as text nodes alone; what must not be shown as it is stands as a symbol that
// says its name. Isolated, so that its direction cannot reorder what stands beside it.

import { segments } from '../logic/text';

export function T({ v, max = 400, mono = false }: { v: unknown; max?: number; mono?: boolean }) {
  return (
    <bdi dir="ltr" class={mono ? 'mono' : undefined}>
      {segments(v, max).map((s) =>
        s.control ? <span class="ctl" title={s.control}>{s.text}</span> : s.text)}
    </bdi>
  );
}
