#!/usr/bin/env bash
# Prints how large an image is, uncompressed, and what of it is what, in megabytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=hack/docker/env.sh
. hack/docker/env.sh

image=${1:-archon-awo}
base=$(docker history --human=false --format '{{.Size}} {{.CreatedBy}}' --no-trunc "$image")
awk -v image="$image" '
  function part() {
    if (/apt-get install/) return "git, gh, ripgrep, jq, tini, certificates"
    if (/COPY \/out\/ /) return "agents (claude)"
    if (/COPY \/out\/awo/) return "awo"
    if (/groupadd|update-ca-certificates|--version|WORKDIR/) return "user, trust"
    return "base image"
  }
  { mb = $1 / 1e6; sum[part()] += mb; total += mb }
  END {
    printf "%s: %.0f MB\n", image, total
    for (p in sum) printf "  %5.0f MB  %s\n", sum[p], p | "sort -rn"
    close("sort -rn")
    printf "  %5.0f MB  all but the agents\n", total - sum["agents (claude)"]
  }' <<<"$base"
