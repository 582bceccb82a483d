#!/usr/bin/env bash
# Gets what the tests need and the machine lacks: a C compiler for the race detector, gh, and the pinned claude
# in .tools/. It changes nothing outside the checkout but by apt-get, as root or through a sudo that asks for no
# password. What it cannot get it names; the tests that need it are then left out, which `make test` reports.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=hack/lib.sh
. hack/lib.sh
# shellcheck source=hack/versions.env
. hack/versions.env

# compiler is for `go test -race`, which links C code.
compiler() {
  have "$(go env CC)" && return 0
  say "tools: no C compiler; installing gcc"
  apt_get gcc libc6-dev || say "tools: cannot install gcc: as root, run: apt-get install gcc libc6-dev"
}

github() {
  have gh && return 0
  say "tools: no gh; installing it"
  apt_get gh || say "tools: cannot install gh: as root, run: apt-get install gh"
}

npm_client() {
  have npm && return 0
  say "tools: no npm; installing it"
  apt_get nodejs npm || say "tools: cannot install npm: as root, run: apt-get install nodejs npm"
  have npm
}

# native prints the agent's program itself, which needs no node to run.
native() {
  local bin
  for bin in .tools/claude/node_modules/@anthropic-ai/claude-code-linux-*/claude; do
    [ -x "$bin" ] && "$bin" --version >/dev/null 2>&1 && { printf '%s\n' "$bin"; return 0; }
  done
  return 1
}

claude() {
  local stamp=.tools/claude/version
  if [ -x .tools/bin/claude ] && [ "$(cat "$stamp" 2>/dev/null)" = "$CLAUDE_VERSION" ]; then return 0; fi
  npm_client || return 0
  say "tools: fetching claude $CLAUDE_VERSION into .tools/claude (about 380 MB)"
  rm -rf .tools/claude
  mkdir -p .tools/claude .tools/bin
  if ! npm install --prefix .tools/claude --no-fund --no-audit --loglevel=error \
    "@anthropic-ai/claude-code@$CLAUDE_VERSION" >&2; then
    say "tools: npm could not fetch claude; see its message above"
    return 0
  fi
  local bin
  if ! bin=$(native); then
    say "tools: claude $CLAUDE_VERSION was fetched but does not run here: $(uname -sm)"
    return 0
  fi
  ln -sfn "../../$bin" .tools/bin/claude
  printf '%s\n' "$CLAUDE_VERSION" > "$stamp"
}

compiler
github
claude
