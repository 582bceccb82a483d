#!/usr/bin/env bash
# Runs govulncheck over the checkout. It reads the database at vuln.go.dev (GOVULNDB for another one, such as a
# file:// copy), which no proxy of Go modules holds. That is why CI, which may have nothing else, does not run it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh
# shellcheck source=hack/versions.env
. hack/versions.env

out=$(mktemp)
trap 'rm -f "$out"' EXIT
code=0
go run "golang.org/x/vuln/cmd/govulncheck@$GOVULNCHECK_VERSION" ./... 2>&1 | tee "$out" || code=$?
if grep -q 'fetching vulnerabilities' "$out"; then
  say "vuln: NOTHING WAS CHECKED: the database at ${GOVULNDB:-https://vuln.go.dev} cannot be reached from here."
  say "vuln: run it where it can, or set GOVULNDB to a copy (file:///PATH)."
fi
exit "$code"
