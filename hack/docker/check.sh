#!/usr/bin/env bash
# Checks what `docker compose --profile awo up` needs, and says of each thing that is missing how to get it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

failed=no
wrong() {
  say "check: $*"
  failed=yes
}

# setting prints a variable as Compose takes it: from the environment, else from .env.
setting() {
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1)
  printf '%s\n' "${value:-$2}"
}

# published tells whether it is our container that has the port.
published() { docker port archon-awo 2>/dev/null | grep -q ":$1\$"; }

# listening tells whether somebody listens on a port of this machine.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

if ! have docker; then
  wrong "docker is not installed: https://docs.docker.com/engine/install/"
elif ! docker version >/dev/null 2>&1; then
  wrong "no Docker engine answers at ${DOCKER_HOST:-the default socket}: start it (systemctl start docker, or Docker Desktop), and see that you may use it: docker version"
elif ! docker compose version >/dev/null 2>&1; then
  wrong "docker compose does not work: install Compose v2, https://docs.docker.com/compose/install/"
fi
if [ ! -e .env ]; then
  wrong "there is no .env: cp .env.example .env, and fill in GITHUB_TOKEN and ANTHROPIC_API_KEY"
fi
port=$(setting ARCHON_AWO_PORT 8888)
if listening "$port" && ! published "$port"; then
  wrong "port $port is in use by another program: stop it, or choose another one with ARCHON_AWO_PORT in .env (who has it: ss -ltnp 'sport = :$port')"
fi
[ "$failed" = no ] || exit 1
echo "check: Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short), .env, port $port: fine"
