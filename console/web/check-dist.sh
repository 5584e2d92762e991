#!/bin/sh
# Builds the console into a temporary folder with the locked toolchain and compares it, byte for
# byte, with dist/, which is what the server embeds. Exit 1 where they differ.
set -eu
cd "$(dirname "$0")"
./modules.sh >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node build.mjs "$work/dist"
if diff -rq "$work/dist" dist >"$work/differences" 2>&1; then
  echo "dist/ is what the sources give"
  exit 0
fi
echo "console/web/dist is not what the sources give:" >&2
sed "s|$work/dist|built|g; s|^|  |" "$work/differences" >&2
echo "run 'npm run build' in console/web with node_modules from 'npm ci', and commit dist/" >&2
exit 1
