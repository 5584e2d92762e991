#!/bin/sh
# Every test of the console: types, unit tests, the size and the bytes of dist/, and the page in a
# browser. Loopback only; ends with one line "N passed, N failed".
set -u
cd "$(dirname "$0")"
passed=0
failed=0

# step NAME COMMAND...: one check, one count.
step() {
  name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok    $name"
  else
    failed=$((failed + 1))
    echo "FAIL  $name"
  fi
}

# tests NAME ARGUMENTS...: node's test runner; its counts are added. What prints no count failed.
tests() {
  name=$1
  shift
  timeout -k 5 300 node --test --test-reporter=tap "$@" </dev/null >"$work/$name.tap" 2>&1
  status=$?
  pass=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$work/$name.tap" | tail -n 1)
  fail=$(sed -n 's/^# \(fail\|cancelled\) \([0-9]*\)$/\2/p' "$work/$name.tap" |
    awk '{ n += $1 } END { print n + 0 }')
  [ "$status" -ne 0 ] && [ "$fail" -eq 0 ] && fail=1
  passed=$((passed + ${pass:-0}))
  failed=$((failed + fail))
  if [ "$fail" -gt 0 ] || [ "${pass:-0}" -eq 0 ]; then
    [ "$fail" -eq 0 ] && failed=$((failed + 1))
    cat "$work/$name.tap"
    echo "FAIL  $name: ${pass:-0} passed, $fail failed"
  else
    echo "ok    $name: $pass passed"
  fi
}

small_enough() {
  node -e '
    const { brotliCompressSync } = require("node:zlib");
    const { readFileSync } = require("node:fs");
    const size = ["dist/app.js", "dist/series.js"]
      .map((file) => brotliCompressSync(readFileSync(file)).length).reduce((a, b) => a + b);
    const most = 60 * 1024;
    if (size <= most) process.exit(0);
    console.error(`app.js and series.js are ${size} bytes by brotli, over ${most}`);
    process.exit(1);
  '
}

# Nothing may turn text into markup or code.
no_markup_from_text() {
  ! grep -rnE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function' src
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./modules.sh || { echo "0 passed, 1 failed"; exit 1; }

step "types" npx --no-install tsc --noEmit
step "no markup from text" no_markup_from_text
step "dist is up to date" ./check-dist.sh
step "dist is small" small_enough
if node build.mjs --tests "$work/unit"; then
  tests unit "$work/unit"
else
  failed=$((failed + 1))
fi
tests browser ../../tests/web

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
