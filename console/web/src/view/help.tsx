import { keysOn, setKeysOn } from '../keys';
import { LETTER, LOOKS } from '../logic/look';
import { dialog, picture } from '../store';
import { Dialog } from './bits';
import { LookIcon, ProtectedIcon } from './icons';
import { T } from './text';

const KEYS: [string, string][] = [
  ['H', 'HOLD: stop everything new, at once'],
  ['g n', 'what needs you, and the hosts'],
  ['g p', 'log patterns of the fleet'],
  ['g i', 'fleet issues'],
  ['/', 'filter the hosts, or the patterns'],
  ['j, k', 'next and previous row'],
  ['arrows', 'move in the grid or the table'],
  ['Enter', 'open the host under the cursor'],
  ['v', 'grid or table'],
  ['Esc', 'close, clear, go back'],
  ['?', 'this help'],
];

const LOOK_WORDS: Record<string, string> = {
  failed: 'retired: nothing more can be tried',
  tainted: 'no new tasks go there',
  draining: 'its tasks move away',
  drained: 'no tasks left, verified',
  recovering: 'under repair, or on probation',
  suspect: 'bad, not yet acted on',
  unknown: 'silent, or could not tell',
  healthy: 'all well',
};

export function HelpDialog() {
  return (
    <Dialog title="Keys and marks" onClose={() => { dialog.value = 'none'; }}>
      <dl class="keys">
        {KEYS.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
      <label class="check">
        <input type="checkbox" checked={keysOn.value}
          onChange={(e) => setKeysOn(e.currentTarget.checked)} />
        <span>Single-key shortcuts</span>
      </label>
      <dl class="keys legend">
        {LOOKS.map((look) => (
          <div key={look} class={`text-${look}`}>
            <dt><LookIcon look={look} /> {LETTER[look]} {look}</dt>
            <dd>{LOOK_WORDS[look]}</dd>
          </div>
        ))}
        <div class="text-protected">
          <dt><ProtectedIcon /> P protected</dt><dd>a person said: leave it alone</dd>
        </div>
      </dl>
      <p class="dim">fleetmedic <T v={picture.value?.version ?? ''} max={40} /></p>
    </Dialog>
  );
}
