#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm_packages.sh FROM TO: installs what the lock file in FROM names into TO/node_modules, unless it
# is there already. Nothing that a package brings is run. Exit status 77 when the registry cannot be
# reached, but 1 with CI set: there, nothing may be left out.
set -eu
from=${1:?usage: npm_packages.sh FROM TO}
to=${2:?usage: npm_packages.sh FROM TO}
if [ -d "$to/node_modules" ] && cmp -s "$from/package-lock.json" "$to/installed.json"; then exit 0; fi
command -v npm >/dev/null || {
  echo "npm_packages.sh: no npm; ./dev test installs Debian's" >&2
  exit 1
}
mkdir -p "$to"
rm -rf "$to/node_modules"
cp "$from/package.json" "$from/package-lock.json" "$to/"
log=$to/npm.log
if (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000) \
  >"$log" 2>&1; then
  cp "$from/package-lock.json" "$to/installed.json"
  exit 0
fi
cat "$log" >&2
rm -rf "$to/node_modules"
network='ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|CERT'
if [ -z "${CI:-}" ] && grep -qE "(code|errno) [A-Z_]*($network)" "$log"; then
  echo "npm_packages.sh: the npm registry cannot be reached; what needs it is left out" >&2
  exit 77
fi
exit 1
