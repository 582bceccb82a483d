#!/usr/bin/env bash
# A Docker engine for a machine that has none: `engine.sh start|stop|status`. An engine that answers already is used
# and never touched. One that is started here has its data in .tools/docker, its socket in /run, and lasts until
# `engine.sh stop`, which ends it by its process id. Starting one needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh

state=$PWD/.tools/docker
# A socket's path may have 107 characters, a checkout's may have more.
run=/run/awo-docker-$(cksum <<<"$PWD" | cut -d' ' -f1)
socket=unix://$run/docker.sock

answers() { DOCKER_HOST=$1 docker version >/dev/null 2>&1; }

# ours tells whether the process of the pid file is the engine that was started here.
ours() {
  [ -s "$run/dockerd.pid" ] && tr '\0' '\n' <"/proc/$(cat "$run/dockerd.pid")/cmdline" 2>/dev/null | grep -qxF -- "--host=$socket"
}

install_engine() {
  if ! have dockerd || ! have docker || ! have iptables; then
    say "engine: installing docker.io and iptables"
    apt_get docker.io iptables || { say "engine: no Docker engine, and none can be installed: as root, run: apt-get install docker.io iptables"; exit 1; }
  fi
}

# client picks a docker command that can build with BuildKit: with buildx, or with a BuildKit of its own.
client() {
  local bin
  for bin in $(type -ap docker) /usr/bin/docker; do
    # Not the link that publish makes of the answer.
    if [ "$bin" != "$state/bin/docker" ] && [ -x "$bin" ] && DOCKER_BUILDKIT=1 "$bin" build --help 2>/dev/null | grep -q -- --secret; then
      printf '%s\n' "$bin"
      return 0
    fi
  done
  say "engine: no docker command here can build with BuildKit; install docker-buildx"
  return 1
}

# publish writes what env.sh reads.
publish() {
  mkdir -p "$state/bin"
  ln -sfn "$(client)" "$state/bin/docker"
  {
    printf 'export DOCKER_HOST=%q\n' "$1"
    # shellcheck disable=SC2016 # PATH is for the reader
    printf 'export PATH=%q:$PATH\n' "$state/bin"
  } >"$state/env"
}

# mtu is that of the way out, which containers must not exceed.
mtu() {
  local device
  device=$(awk '$2 == "00000000" {print $1; exit}' /proc/net/route)
  cat "/sys/class/net/${device:-lo}/mtu" 2>/dev/null || echo 1500
}

start() {
  if ours && answers "$socket"; then publish "$socket"; return 0; fi
  if have docker && answers "${DOCKER_HOST:-}"; then
    say "engine: using the one that answers: ${DOCKER_HOST:-the default socket}"
    rm -f "$state/env"
    return 0
  fi
  install_engine
  # Installing may have started one.
  if answers ""; then rm -f "$state/env"; return 0; fi
  mkdir -p "$state"
  as_root mkdir -p "$run"
  say "engine: starting dockerd, log in .tools/docker/dockerd.log"
  as_root setsid dockerd --host="$socket" --pidfile="$run/dockerd.pid" --exec-root="$run/exec" --data-root="$state/data" \
    --group="$(id -gn)" --mtu="$(mtu)" </dev/null >"$state/dockerd.log" 2>&1 &
  for _ in $(seq 150); do
    if answers "$socket"; then publish "$socket"; return 0; fi
    sleep 0.2
  done
  say "engine: dockerd does not answer after 30 s; the end of its log:"
  tail -n 20 "$state/dockerd.log" >&2
  exit 1
}

stop() {
  rm -f "$state/env"
  ours || return 0
  local pid
  pid=$(cat "$run/dockerd.pid")
  as_root kill -TERM "$pid"
  for _ in $(seq 150); do
    if [ ! -d "/proc/$pid" ]; then
      as_root rm -rf "$run"
      say "engine: stopped"
      return 0
    fi
    sleep 0.2
  done
  say "engine: dockerd (pid $pid) has not ended 30 s after SIGTERM"
  exit 1
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  status) if ours && answers "$socket"; then echo "ours: $socket"; elif have docker && answers "${DOCKER_HOST:-}"; then echo "the machine's"; else echo none; exit 1; fi ;;
  *) say "usage: hack/docker/engine.sh start|stop|status"; exit 2 ;;
esac
