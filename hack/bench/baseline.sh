#!/usr/bin/env bash
# What `awo` is compared with: the git work of COUNT orders by a plain script, JOBS at a time. For each: a look at
# the remote, the base brought up to date in a mirror, a workspace that borrows the mirror's objects, the agent once
# to plan and once to implement, the work tree put back in between, a commit, its size, a push, a look whether it arrived,
# and a text for the pull request.
# It keeps no record, survives nothing, and confines nothing.
#
# Usage: baseline.sh REMOTE DIRECTORY COUNT JOBS AGENT
set -euo pipefail
[ $# -eq 5 ] || { echo "usage: $0 REMOTE DIRECTORY COUNT JOBS AGENT" >&2; exit 2; }
export REMOTE=$1 DIRECTORY=$2 AGENT=$5
count=$3 jobs=$4
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=script GIT_AUTHOR_EMAIL=script@localhost
export GIT_COMMITTER_NAME=script GIT_COMMITTER_EMAIL=script@localhost

git clone --quiet --mirror "$REMOTE" "$DIRECTORY/mirror.git"

order() {
  set -euo pipefail
  export AWO_WORK_ORDER=order-$1
  local branch=script/order-$1 out=$DIRECTORY/outputs/$1 work=$DIRECTORY/workspaces/$1 sha
  mkdir -p "$out"
  git ls-remote --quiet --symref "$REMOTE" HEAD > /dev/null
  git -C "$DIRECTORY/mirror.git" fetch --quiet --no-write-fetch-head "$REMOTE" "+refs/heads/main:refs/base/$1"
  git clone --quiet --shared --branch main "$DIRECTORY/mirror.git" "$work"
  cd "$work"
  git checkout --quiet -b "$branch"
  echo "Write the name." | AWO_PHASE=Planning sh -c "$AGENT" > "$out/plan.md"
  git reset --quiet --hard
  echo "Write the name." | AWO_PHASE=Implementing sh -c "$AGENT" > "$out/summary.md"
  git add --all
  git commit --quiet --message "Write the name"
  sha=$(git rev-parse HEAD)
  git diff --numstat "origin/main..$sha" > "$out/changes"
  git push --quiet "$REMOTE" "$sha:refs/heads/$branch"
  [ "$(git ls-remote "$REMOTE" "refs/heads/$branch" | cut -f1)" = "$sha" ]
  printf '%s\n' "$branch" "$sha" > "$out/pull-request.md"
}
export -f order

seq "$count" | xargs -P "$jobs" -I '{}' bash -c 'order {}'
[ "$(find "$DIRECTORY/outputs" -name pull-request.md | wc -l)" -eq "$count" ]
