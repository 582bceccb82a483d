#!/usr/bin/env bash
# Makes the deepcopy functions and the CRD schema from the types of api/v1alpha1, beside them.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=hack/versions.env
. hack/versions.env
go run "sigs.k8s.io/controller-tools/cmd/controller-gen@$CONTROLLER_GEN_VERSION" \
  object crd paths=./api/... output:crd:dir="${1:-api/v1alpha1}" output:object:dir="${1:-api/v1alpha1}"
