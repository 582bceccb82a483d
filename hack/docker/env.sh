# shellcheck shell=bash
# Sourced from the root of a checkout: makes `docker` and `docker compose` mean what hack/docker/setup.sh found or
# made. Without it, or when its engine has gone, they stay what they are on this machine.
if [ -r .tools/docker/env ]; then
  # shellcheck source=/dev/null
  . .tools/docker/env
fi
export DOCKER_BUILDKIT=1
