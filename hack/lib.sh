# shellcheck shell=bash
# Functions that the scripts of hack/ and .ci/run share. Sourced, not run.

have() { command -v "$1" >/dev/null 2>&1; }

say() { printf '%s\n' "$*" >&2; }

# as_root runs a command as root: directly, or through sudo where that asks for no password. Without either
# it fails, and the caller says what is missing.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# apt_refreshed remembers that the lists of packages are fresh, so that they are fetched at most once.
apt_refreshed=no

# apt_get installs Debian packages. Lists that are there are tried first: fetching them takes longer than most
# packages.
apt_get() {
  have apt-get && as_root true || return 1
  if [ "$apt_refreshed" = no ]; then
    if _apt_install "$@" 2>/dev/null; then return 0; fi
    as_root apt-get update -qq >&2 || return 1
    apt_refreshed=yes
  fi
  _apt_install "$@"
}

_apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
