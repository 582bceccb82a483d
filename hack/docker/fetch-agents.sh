#!/bin/sh
# Fetches agents from npm as native programs: fetch-agents.sh ARCHITECTURE DIRECTORY NAME@VERSION...
# ARCHITECTURE is Docker's, amd64 or arm64. Each program is checked to be one for that machine, which also works
# where it cannot be run. An empty version of claude means the one in versions.env.
set -eu
# shellcheck source=hack/versions.env
. ./versions.env
arch=$1 out=$2
shift 2

# suffix is npm's name of the architecture, triple Rust's, and machine e_machine of the ELF header.
case $arch in
  amd64) suffix=x64 triple=x86_64 machine=62 ;;
  arm64) suffix=arm64 triple=aarch64 machine=183 ;;
  *) echo "fetch-agents: no agent is distributed for $arch; build for amd64 or arm64" >&2; exit 1 ;;
esac

# check fails unless a file is a program for the machine that it is meant for.
check() {
  magic=$(od -An -N4 -tx1 "$1" | tr -d ' \n')
  found=$(od -An -j18 -N2 -tu2 "$1" | tr -d ' \n')
  if [ "$magic" != 7f454c46 ] || [ "$found" != "$machine" ]; then
    echo "fetch-agents: $1 is no ELF program for $arch: magic $magic, machine $found, wanted $machine" >&2
    exit 1
  fi
  echo "fetch-agents: $(basename "$1") is an ELF program for $arch (machine $found)"
}

# take fetches a package and keeps one file of it.
take() {
  name=$1 package=$2 file=$3
  rm -rf package ./*.tgz
  npm pack --silent "$package"
  tar -xzf ./*.tgz
  # shellcheck disable=SC2086 # the file may be a pattern
  install -D -m 0755 package/$file "$out/$name"
  rm -rf package ./*.tgz
  check "$out/$name"
}

for agent in "$@"; do
  version=${agent#*@}
  case $agent in
    claude@*) take claude "@anthropic-ai/claude-code-linux-$suffix@${version:-$CLAUDE_VERSION}" claude ;;
    codex@?*) take codex "@openai/codex@$version-linux-$suffix" "vendor/$triple-unknown-linux-musl/*/codex" ;;
    *) echo "fetch-agents: $agent: known are claude@VERSION and codex@VERSION" >&2; exit 1 ;;
  esac
done
