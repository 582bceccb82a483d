#!/usr/bin/env bash
# Sees to it that there is a Docker engine, Compose v2 and the base images of the Dockerfile, also on a machine that
# has none and reaches no container registry. What is there is used; what is made is kept in .tools/docker, so the
# second time takes a second. `hack/docker/engine.sh stop` ends the engine, if one was started.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

timed() {
  local begin=$SECONDS
  "$@"
  say "setup: $1 took $((SECONDS - begin)) s"
}

timed hack/docker/engine.sh start

# Where this machine trusts further certificate authorities, a build has to, too.
shopt -s nullglob
extra=(/usr/local/share/ca-certificates/*.crt)
if [ ${#extra[@]} -gt 0 ]; then
  mkdir -p .tools/docker
  cat "${extra[@]}" >.tools/docker/ca.pem
  if ! grep -qs AWO_BUILD_CA .tools/docker/env; then printf 'export AWO_BUILD_CA=%q\n' "$PWD/.tools/docker/ca.pem" >>.tools/docker/env; fi
fi

# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh
# A machine that can pull them takes the real ones.
pull() {
  local name
  # shellcheck disable=SC2013 # names of images hold no blanks
  for name in $(sed -n 's/^ARG [A-Z]*_IMAGE=//p' Dockerfile); do
    docker image inspect "$name" >/dev/null 2>&1 || timeout 300 docker pull -q "$name" >/dev/null 2>&1 || return 1
  done
}
base_images() { pull || hack/docker/standins.sh; }
timed base_images
timed hack/docker/compose.sh
