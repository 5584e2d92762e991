import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segments, TEXT_CHARS_MAX, visible } from '../src/logic/text';

// No character that acts may come out, whatever went in.
const ACTING = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

test('plain text comes out as it is, in one piece', () => {
  assert.deepEqual(segments('nvme0: I/O 214 <b>&amp;'), [{ text: 'nvme0: I/O 214 <b>&amp;' }]);
});

test('an ANSI escape is shown, not obeyed', () => {
  assert.deepEqual(segments('\u001b[31mred'), [
    { text: '‹ESC›', control: 'ESC U+001B' }, { text: '[31mred' },
  ]);
});

test('every control, bidi and zero-width character becomes a symbol with its name', () => {
  for (let code = 0; code < 0x2100; code++) {
    const raw = String.fromCharCode(code);
    const [only, ...rest] = segments(raw);
    assert.equal(rest.length, 0);
    assert(only);
    if (ACTING.test(raw)) assert(only.control, `U+${code.toString(16)} must be a symbol`);
    assert.doesNotMatch(only.text, ACTING);
  }
});

test('the right-to-left override stays where it was written', () => {
  assert.equal(visible('a\u202etxt.exe'), 'a‹RLO›txt.exe');
});

test('tags, lone surrogates and noncharacters cannot hide', () => {
  assert.equal(visible('a\u{e0041}b'), 'a‹e0041›b');
  assert.equal(visible('a\ud800b'), 'a\ufffdb');
  assert.equal(visible('a\uffffb'), 'a\ufffdb');
});

test('a pile of combining marks is cut to three and says how many more', () => {
  const out = segments('z' + '\u0301'.repeat(50) + 'ok');
  assert.equal(out[0]?.text, 'z\u0301\u0301\u0301');
  assert.equal(out[1]?.control, '47 more combining marks');
  assert.equal(out[2]?.text, 'ok');
});

test('an accent is not an attack', () => {
  assert.deepEqual(segments('cafe\u0301'), [{ text: 'cafe\u0301' }]);
});

test('a long text is cut, and the cut is said', () => {
  const out = segments('x'.repeat(TEXT_CHARS_MAX + 5));
  assert.equal(out[0]?.text.length, TEXT_CHARS_MAX);
  assert.equal(out[1]?.control, `cut after ${TEXT_CHARS_MAX} characters`);
});

test('what is not a string is still text', () => {
  assert.equal(visible(undefined), '');
  assert.equal(visible(null), '');
  assert.equal(visible(7), '7');
  assert.equal(visible({ a: 1 }), '[object Object]');
});
