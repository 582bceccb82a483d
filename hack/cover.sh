#!/usr/bin/env bash
# Measures which statements the tests run, in their own process and in the awo processes that they start, and
# fails below the share given as the argument, in percent. Leaves cover/profile.txt for `go tool cover`.
set -euo pipefail
cd "$(dirname "$0")/.."
min=${1:-80}

rm -rf cover
mkdir -p cover/data
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
# A process of the product that was built with -cover writes what it ran here when it ends.
export GOCOVERDIR=$PWD/cover/data

go run ./hack/gotest -timeout=20m -covermode=atomic -coverpkg=./... ./... -args -test.gocoverdir="$GOCOVERDIR"
go tool covdata textfmt -i="$GOCOVERDIR" -o=cover/profile.txt
unset GOCOVERDIR
go run ./hack/covered -min "$min" cover/profile.txt
