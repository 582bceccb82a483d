#!/usr/bin/env bash
# Measures which statements the tests run, in their own process and in the awo processes that they start, and
# fails below the share given as the first argument, in percent. Further arguments are the packages to test, all by
# default. Leaves cover/profile.txt for `go tool cover`.
set -euo pipefail
cd "$(dirname "$0")/.."
min=${1:-80}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(./...)

rm -rf cover
mkdir -p cover/data
data=$PWD/cover/data
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

# Left to itself, go test keeps nothing of a process that runs another binary than the test's, such as the awo
# that the end-to-end tests build. So all of them write into one directory.
go run ./hack/gotest -timeout=8m -covermode=atomic -coverpkg=./... -exec="env 'GOCOVERDIR=$data'" "${packages[@]}" \
  -args -test.gocoverdir="$data"
go tool covdata textfmt -i="$data" -o=cover/profile.txt
go run ./hack/covered -min "$min" cover/profile.txt
