#!/bin/bash
# Whether what we rely on notices that the budget, the brake, the fencing or the host machine is broken. Each
# patch here breaks one line of them, in a copy of the tree; the simulator, or else the unit tests, has to
# fail. `./dev mutants [NAME...]`. Exit 1: a mutant lives, or a patch does not apply any more; --check sees to
# the latter alone, and is a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
copy=$top/build/mutants
jobs=${JOBS:-$(nproc)}
targets=(sim_test scenario_test remediation_test ratelimit_test)

if [ "${1:-}" = --check ]; then
  for patch in tests/mutants/*.patch; do
    patch -p1 --dry-run --force --silent <"$patch" ||
      { echo "$patch does not apply any more" >&2; exit 1; }
  done
  exit 0
fi

# tests REGEX: fails where one of them does.
tests() {
  timeout -k 5 900 ctest --test-dir "$copy/build/release" -j "$jobs" --stop-on-failure -R "$1" </dev/null
}

build() { ninja -C "$copy/build/release" -j "$jobs" "${targets[@]}" >"$copy/build.log" 2>&1; }

# All of it anew, and as if changed just now: an object of a mutant is never taken for the tree's own.
mkdir -p "$copy"
find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z -c | tar --null -T - -cf - | tar -C "$copy" -xmf -
export CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1
(cd "$copy" && cmake --preset release >build.log 2>&1) && build ||
  { tail -n 20 "$copy/build.log" >&2; exit 1; }

names=("$@")
[ "${#names[@]}" -gt 0 ] || mapfile -t names < <(cd tests/mutants && printf '%s\n' *.patch | sed 's/\.patch$//')
lives=0
for name in "${names[@]}"; do
  patch=$top/tests/mutants/$name.patch
  [ -f "$patch" ] || { echo "no such mutant: $name" >&2; exit 2; }
  if ! patch -d "$copy" -p1 --forward --silent --no-backup-if-mismatch <"$patch" >"$copy/build.log" 2>&1; then
    printf '%-32s does not apply any more\n' "$name"
    exit 1
  fi
  began=$SECONDS
  if ! build; then
    said="does not compile"
    lives=1
  elif ! tests '^(sim_test|scenario_test)' >"$copy/$name.log" 2>&1; then
    said="caught by the simulator"
  elif ! tests '^(remediation_test|ratelimit_test)' >"$copy/$name.log" 2>&1; then
    said="caught by unit tests alone"
  else
    said="LIVES"
    lives=1
  fi
  patch -d "$copy" -p1 --reverse --silent --no-backup-if-mismatch <"$patch" >/dev/null
  printf '%-32s %-28s %3d s  %s\n' "$name" "$said" $((SECONDS - began)) "$(sed -n '1s/^# //p' "$patch")"
done
exit "$lives"
