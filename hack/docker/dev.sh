#!/usr/bin/env bash
# `dev.sh up` starts the development container, `dev.sh down` stops everything. ARCHON names an Archon checkout whose
# services are meant as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

export AWO_SOURCE=$PWD
archon=${ARCHON:+$(cd "$ARCHON" && pwd)}

# setting prints a variable as Compose takes it: from the environment, else from the project's .env.
setting() {
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^$1=//p" "${archon:-.}/.env" 2>/dev/null | tail -n 1)
  printf '%s\n' "${value:-$2}"
}

COMPOSE_FILE=$(setting COMPOSE_FILE docker-compose.yml)
if [ -n "$archon" ]; then
  cd "$archon"
  case $COMPOSE_FILE in *docker-compose.awo.yml*) ;; *) COMPOSE_FILE+=:$AWO_SOURCE/examples/archon/docker-compose.awo.yml ;; esac
fi

case ${1:-} in
  up)
    export COMPOSE_FILE=$COMPOSE_FILE:$AWO_SOURCE/docker-compose.dev.yml
    docker compose --profile awo up -d --build
    [ -z "$archon" ] || echo "Archon's backend: http://localhost:$(setting ARCHON_SERVER_PORT 8181)"
    echo "Agent Work Orders: http://localhost:$(setting ARCHON_AWO_PORT 8888) (make awo-logs shows when it is up; /health says how it fares)"
    ;;
  down)
    export COMPOSE_FILE
    docker compose --profile '*' down
    ;;
  *)
    echo "usage: hack/docker/dev.sh up|down" >&2
    exit 2
    ;;
esac
