# The image of Agent Work Orders: the controller, and everything that its orders need, in one place.
#
#   docker build -t archon-awo .
#
# Bases are pinned by tag. To pin one by digest: --build-arg DEBIAN_DIGEST=sha256:...
# Behind a proxy with a certificate authority of its own: --secret id=ca,src=FILE.pem; it is then trusted, too.
ARG DEBIAN_IMAGE=debian:trixie-slim
ARG DEBIAN_DIGEST=
ARG GO_IMAGE=golang:1.26-trixie
ARG GO_DIGEST=
ARG NODE_IMAGE=node:22-trixie-slim
ARG NODE_DIGEST=

# build makes the static binary, for whatever architecture, on the one that it runs on.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE}${GO_DIGEST:+@${GO_DIGEST}} AS build
ARG TARGETOS=linux
ARG TARGETARCH
ENV GOMODCACHE=/var/cache/awo-dev/mod GOCACHE=/var/cache/awo-dev/build GOFLAGS=-buildvcs=false \
    SSL_CERT_DIR=/etc/ssl/certs:/run/extra-ca
WORKDIR /src
COPY go.mod go.sum ./
COPY api ./api
COPY cmd ./cmd
COPY controller ./controller
COPY examples ./examples
# An empty version means the one that stands in cmd/awo/version.go.
ARG AWO_VERSION=
ARG AWO_COMMIT=unknown
ARG AWO_DATE=unknown
RUN --mount=type=cache,id=awo-go,target=/var/cache/awo-dev --mount=type=secret,id=ca,target=/run/extra-ca/ca.pem \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -o /out/awo \
      -ldflags "-s -w -X main.commit=$AWO_COMMIT -X main.date=$AWO_DATE ${AWO_VERSION:+-X main.version=$AWO_VERSION}" ./cmd/awo

# agents fetches programs that npm distributes as native binaries, so that Node is not needed where they run.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE}${NODE_DIGEST:+@${NODE_DIGEST}} AS agents
ARG TARGETARCH
# An empty version means the one that stands in hack/versions.env.
ARG CLAUDE_VERSION=
# Further agents for orders of type command, such as "codex@0.169.0".
ARG EXTRA_AGENTS=
WORKDIR /fetch
COPY hack/versions.env hack/docker/fetch-agents.sh ./
RUN --mount=type=secret,id=ca,target=/run/extra-ca/ca.pem \
    NODE_EXTRA_CA_CERTS=/run/extra-ca/ca.pem ./fetch-agents.sh "$TARGETARCH" /out "claude@$CLAUDE_VERSION" $EXTRA_AGENTS

# tools is what orders need beside agents, and the user.
FROM ${DEBIAN_IMAGE}${DEBIAN_DIGEST:+@${DEBIAN_DIGEST}} AS tools
RUN apt-get update \
    && apt-get install -y --no-install-recommends bash ca-certificates gh git jq ripgrep tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log
# What the build had to trust is trusted later, too: it is the way out of this network.
RUN --mount=type=secret,id=ca,target=/run/extra-ca/ca.pem \
    if [ -s /run/extra-ca/ca.pem ]; then \
      cp /run/extra-ca/ca.pem /usr/local/share/ca-certificates/build.crt && chmod 0644 /usr/local/share/ca-certificates/build.crt \
      && update-ca-certificates; \
    fi
ARG AWO_UID=10001
ARG AWO_GID=10001
# Directories that are written to belong to group 0 as well, so that --user with any uid can use them: without a
# passwd entry and a gid of its own it is in that group.
RUN groupadd --gid $AWO_GID awo \
    && useradd --uid $AWO_UID --gid awo --home-dir /home/awo --no-create-home --shell /bin/bash awo \
    && install -d -o awo -g 0 -m 0775 /home/awo /var/lib/archon-awo \
    && install -d -m 0755 /etc/archon-awo/ca-certificates
# claude brings certificates of its own and is told of the system's, which a build may have added to.
ENV HOME=/home/awo LANG=C.UTF-8 \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    AWO_EXTRA_CA_CERTS=/etc/archon-awo/ca-certificates \
    AWO_DATA_DIR=/var/lib/archon-awo \
    AWO_BIND_ADDRESS=0.0.0.0 \
    ARCHON_AWO_PORT=8888 \
    AWO_ALLOW_FILE_REPOSITORIES=false
EXPOSE 8888
# Any command passes through; tini hands signals on and reaps what others leave behind.
ENTRYPOINT ["/usr/bin/tini", "--"]
# The first probe comes after one interval. awo finds the port of the running controller itself.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["awo", "get", "--raw", "/health"]

# air is what builds and starts the controller anew when its source changes.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE}${GO_DIGEST:+@${GO_DIGEST}} AS air
ENV GOMODCACHE=/var/cache/awo-dev/mod GOCACHE=/var/cache/awo-dev/build SSL_CERT_DIR=/etc/ssl/certs:/run/extra-ca
COPY hack/versions.env /tmp/
RUN --mount=type=cache,id=awo-go,target=/var/cache/awo-dev --mount=type=secret,id=ca,target=/run/extra-ca/ca.pem \
    . /tmp/versions.env && CGO_ENABLED=0 GOBIN=/out go install -trimpath -ldflags '-s -w' "github.com/air-verse/air@$AIR_VERSION"

# dev runs the controller from the source that is mounted at /src, and again after each change.
FROM tools AS dev
COPY --from=build /usr/local/go /usr/local/go
COPY --from=air /out/air /usr/local/bin/
COPY --from=agents /out/ /usr/local/bin/
COPY --from=build /out/awo /usr/local/bin/
COPY hack/docker/air.toml /etc/archon-awo/
# The build has filled the cache by now; a volume that is mounted here begins with it.
RUN --mount=type=cache,id=awo-go,target=/cache \
    cp -a /cache /var/cache/awo-dev && mkdir -p /var/cache/awo-dev/bin && chown -R awo:0 /var/cache/awo-dev && chmod -R g=u /var/cache/awo-dev
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GOMODCACHE=/var/cache/awo-dev/mod GOCACHE=/var/cache/awo-dev/build GOFLAGS=-buildvcs=false GOTOOLCHAIN=local CGO_ENABLED=0
WORKDIR /src
USER awo
CMD ["air", "-c", "/etc/archon-awo/air.toml"]

# What `docker build` makes when nothing else is asked for.
FROM tools AS runtime
COPY --from=agents /out/ /usr/local/bin/
COPY --from=build /out/awo /usr/local/bin/
ARG AWO_VERSION=
ARG AWO_COMMIT=unknown
ARG AWO_DATE=unknown
LABEL org.opencontainers.image.title="archon-awo" \
      org.opencontainers.image.description="Agent Work Orders: drop a YAML file into a directory, get a pull request" \
      org.opencontainers.image.source="https://github.com/agent-work-orders/awo" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$AWO_VERSION" \
      org.opencontainers.image.revision="$AWO_COMMIT" \
      org.opencontainers.image.created="$AWO_DATE"
WORKDIR /var/lib/archon-awo
USER awo
CMD ["awo", "controller"]
# One that is missing, or made for another machine, fails the build.
RUN home=$(mktemp -d) && HOME=$home claude --version && gh --version && git --version && awo version && rm -rf "$home"
