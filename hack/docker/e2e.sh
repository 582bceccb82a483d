#!/usr/bin/env bash
# Runs the tests of hack/e2edocker in a real engine, with the arguments of go test, such as -run NAME. An engine that
# had to be started is stopped afterwards; AWO_KEEP_ENGINE=1 leaves it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

if [ "${AWO_KEEP_ENGINE:-}" != 1 ] && ! hack/docker/engine.sh status >/dev/null; then
  trap 'hack/docker/engine.sh stop' EXIT
fi
hack/docker/setup.sh
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
begin=$SECONDS
go run ./hack/gotest -tags=docker -count=1 -timeout=20m "$@" ./hack/e2edocker/...
say "e2e-docker: the tests took $((SECONDS - begin)) s"
