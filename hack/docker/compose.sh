#!/usr/bin/env bash
# Builds Compose v2 from its Go module where `docker compose` does not work, into the checkout's .tools/docker. The
# second time it does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh
# shellcheck source=hack/versions.env
. hack/versions.env
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

if docker compose version >/dev/null 2>&1; then exit 0; fi

config=$PWD/.tools/docker/config
plugin=$config/cli-plugins/docker-compose
module=github.com/docker/compose/v2
if ! "$plugin" version 2>/dev/null | grep -qF "${COMPOSE_VERSION#v}"; then
  say "compose: building $COMPOSE_VERSION; this takes minutes"
  work=$(mktemp -d)
  trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
  source=$(cd "$work" && go mod download -json "$module@$COMPOSE_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
  # Its go.mod excludes versions, which go install refuses, so it is built as the main module: a copy, for the
  # module cache is read-only.
  cp -r "$source" "$work/compose"
  chmod -R u+w "$work/compose"
  mkdir -p "${plugin%/*}"
  (cd "$work/compose" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $module/internal.Version=$COMPOSE_VERSION" -o "$plugin" ./cmd)
fi
# The directory of configuration is where docker looks for plugins. It hides that of the person, so it is only set
# where Compose was missing.
if ! grep -qs DOCKER_CONFIG .tools/docker/env; then printf 'export DOCKER_CONFIG=%q\n' "$config" >>.tools/docker/env; fi
