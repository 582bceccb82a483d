#!/usr/bin/env bash
# Runs every fuzz target of the checkout, one after the other, for the time given (a duration such as 30s). What a
# target finds lies then in testdata/fuzz of its package: commit it, it is a test case from then on.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

time=${1:-1m}

# targets prints a line for each target: its package and its name. They are found in the files, so that none is
# forgotten, and listing them compiles nothing.
targets() {
  grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' api cmd controller hack | sort | while read -r file; do
    sed -nE "s|^func (Fuzz[A-Z][A-Za-z0-9_]*)\(.*|./$(dirname "$file") \1|p" "$file"
  done
}

count=0
while read -r package target; do
  printf '\n==> %s %s\n' "$package" "$target"
  # Looking for the smallest input that does the same takes longer than looking for another one.
  go test "$package" -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=20x </dev/null
  count=$((count + 1))
done < <(targets)
[ "$count" -gt 0 ] || { say "fuzz: there is no target, which cannot be"; exit 1; }
printf '\nfuzz: %d targets, %s each, nothing found\n' "$count" "$time"
