#!/usr/bin/env bash
# Runs Go tests of the packages that its arguments name, with the race detector where a C compiler is at hand,
# and ends with what was left out and why. AWO_E2E_REQUIRED=1: a test that was left out is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

flags=(-shuffle=on -timeout=8m)
if have "$(go env CC)"; then
  export CGO_ENABLED=1
  flags+=(-race)
elif [ "${AWO_E2E_REQUIRED:-}" = 1 ]; then
  say "test: the race detector needs a C compiler, and there is none"
  exit 1
else
  say "test: NO RACE DETECTOR: it needs a C compiler (apt-get install gcc libc6-dev)"
fi

# What a user of git configured for himself must not decide how a test goes.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
exec go run ./hack/gotest "${flags[@]}" "$@"
