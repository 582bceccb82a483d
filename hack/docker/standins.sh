#!/usr/bin/env bash
# Makes the base images of the Dockerfile under their public names, from packages alone, for a machine that reaches a
# Debian mirror, npm and Go modules but no container registry. Images that are there, pulled or made, are kept, so
# the second time it does nothing. Needs root for debootstrap. Not for images that are given to others.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/lib.sh
. hack/lib.sh
# shellcheck source=hack/versions.env
. hack/versions.env
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

# base prints the default of one of the Dockerfile's arguments.
base() { sed -n "s/^ARG $1=//p" Dockerfile; }

there() { docker image inspect "$1" >/dev/null 2>&1; }

work=$(mktemp -d)
trap 'as_root rm -rf "$work"' EXIT

debian() {
  local name=$1 suite
  suite=${name#debian:}
  suite=${suite%-slim}
  have debootstrap || { say "standins: installing debootstrap"; apt_get debootstrap || { say "standins: as root, run: apt-get install debootstrap"; exit 1; }; }
  # The suite and the architecture say what is in it, and a mirror changes it rarely: kept in the checkout.
  local archive=.tools/docker/$suite.tar
  if [ ! -s "$archive" ]; then
    say "standins: bootstrapping Debian $suite"
    as_root debootstrap --variant=minbase "$suite" "$work/root" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
    # As slim as the real one: no documents, no translations, no lists.
    as_root rm -rf "$work"/root/usr/share/{doc,man,info,locale} "$work"/root/var/cache/apt/*.bin "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
    as_root mkdir -p "$work/root/var/lib/apt/lists/partial"
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale | as_root tee "$work/root/etc/dpkg/dpkg.cfg.d/slim" >/dev/null
    mkdir -p "${archive%/*}"
    as_root tar -C "$work/root" -c . >"$archive.part"
    mv "$archive.part" "$archive"
  fi
  docker import --change 'CMD ["bash"]' "$archive" "$name" >/dev/null
}

# golang is Debian with the Go that this machine has.
golang() {
  mkdir -p "$work/golang"
  cp -a "$(go env GOROOT)" "$work/golang/go"
  docker build -q -t "$1" -f - "$work/golang" >/dev/null <<DOCKERFILE
FROM $2
COPY go /usr/local/go
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN mkdir -p -m 1777 /go/src /go/bin
WORKDIR /go
DOCKERFILE
}

# node is Debian's Node with npm's own npm, which has far fewer packages than Debian's.
node() {
  mkdir -p "$work/node/npm"
  (cd "$work" && npm pack --silent "npm@$NPM_VERSION" >/dev/null)
  tar -C "$work/node/npm" --strip-components=1 -xf "$work"/npm-*.tgz
  docker build -q -t "$1" -f - "$work/node" >/dev/null <<DOCKERFILE
FROM $2
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs >/dev/null && rm -rf /var/lib/apt/lists/*
COPY npm /usr/lib/node_modules/npm
RUN ln -s /usr/lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm && chmod +x /usr/lib/node_modules/npm/bin/*.js && npm --version
DOCKERFILE
}

debian_image=$(base DEBIAN_IMAGE)
for pair in "debian $debian_image" "golang $(base GO_IMAGE)" "node $(base NODE_IMAGE)"; do
  read -r maker name <<<"$pair"
  if ! there "$name"; then
    say "standins: making $name"
    "$maker" "$name" "$debian_image"
  fi
done
