#!/usr/bin/env bash
# Gets Compose v2 where `docker compose` does not work, into the checkout's .tools/docker: Debian's, taken out of its
# package in a container, or, where that does not run, built from its Go module. The second time it does nothing.
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
runs() { "$plugin" version >/dev/null 2>&1; }

# debian takes it from the package of the Debian that the image is made of, which takes seconds.
debian() {
  docker run --rm "$(sed -n 's/^ARG DEBIAN_IMAGE=//p' Dockerfile)" bash -c 'cd /tmp && apt-get update -qq >/dev/null 2>&1 &&
    apt-get download -qq docker-compose >/dev/null && dpkg-deb -x docker-compose_*.deb x && cat x/usr/libexec/docker/cli-plugins/docker-compose' >"$plugin" &&
    chmod +x "$plugin" && runs
}

# module builds it, which takes minutes. Its go.mod excludes versions, which go install refuses, so it is built as the
# main module: a copy, for the module cache is read-only.
module() {
  local path=github.com/docker/compose/v2 work source
  say "compose: building $COMPOSE_VERSION; this takes minutes"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "chmod -R u+w '$work'; rm -rf '$work'" EXIT
  source=$(cd "$work" && go mod download -json "$path@$COMPOSE_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
  cp -r "$source" "$work/compose"
  chmod -R u+w "$work/compose"
  (cd "$work/compose" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $path/internal.Version=$COMPOSE_VERSION" -o "$plugin" ./cmd)
}

mkdir -p "${plugin%/*}"
runs || debian || module
# The directory of configuration is where docker looks for plugins. It hides that of the person, so it is only set
# where Compose was missing.
if ! grep -qs DOCKER_CONFIG .tools/docker/env; then printf 'export DOCKER_CONFIG=%q\n' "$config" >>.tools/docker/env; fi
