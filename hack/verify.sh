#!/usr/bin/env bash
# Checks that generated code, go.mod and formatting are as `make generate fmt` and `go mod tidy` leave them. It
# works on a copy, so that the checkout stays as it is, also when the check fails.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${LINT:?the path of golangci-lint; run make verify}"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# What git tracks or would track, as it stands now.
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --no-recursion --files-from=- | tar --extract --directory="$copy"

cd "$copy"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=verify GIT_AUTHOR_EMAIL=verify@localhost
export GIT_COMMITTER_NAME=verify GIT_COMMITTER_EMAIL=verify@localhost
git init -q .
git add --all
git commit -q -m before

hack/generate.sh
go mod tidy
"$LINT" fmt ./...

git add --all
if ! git diff --cached --exit-code; then
  echo "verify: the checkout is not as these leave it: make generate fmt; go mod tidy" >&2
  exit 1
fi
echo "verify: generated code, go.mod and formatting are up to date"
