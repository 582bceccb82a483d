#!/usr/bin/env bash
# Builds the image archon-awo, or the one that AWO_IMAGE names, and prints its size and the parts of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

image=${AWO_IMAGE:-archon-awo}
version=$(sed -n 's/^\tversion = "\(.*\)"$/\1/p' cmd/awo/version.go)
args=(--build-arg "AWO_VERSION=$version" --build-arg "AWO_COMMIT=${AWO_COMMIT:-unknown}" --build-arg "AWO_DATE=${AWO_DATE:-unknown}")
[ -z "${AWO_BUILD_CA:-}" ] || args+=(--secret "id=ca,src=$AWO_BUILD_CA")
docker build "${args[@]}" --tag "$image" .
hack/docker/image-size.sh "$image"
