#!/usr/bin/env bash
# Makes the deepcopy functions and the CRD schema from the types of api/v1alpha1, beside them or in the directory
# that the argument names. The version of controller-gen stands in go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-api/v1alpha1}
go tool controller-gen object crd paths=./api/... output:crd:dir="$out" output:object:dir="$out"
