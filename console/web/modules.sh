#!/bin/sh
# The locked toolchain, where it is not there yet, or only in part: npm writes that file last.
set -eu
cd "$(dirname "$0")"
[ -f node_modules/.package-lock.json ] || npm ci --no-audit --no-fund --ignore-scripts
