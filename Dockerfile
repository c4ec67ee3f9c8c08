# The released image: one static binary, and beside it only what the program or a Kubernetes runner asks for.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=scratch

FROM ${RUST_IMAGE} AS build
SHELL ["/bin/sh", "-euxc"]
# Kubernetes runners move files with sh, tar and find, so the image needs a few tools. Their version is Debian's choice.
# hadolint ignore=DL3008
RUN if ! command -v busybox; then \
      apt-get update; \
      apt-get install -y --no-install-recommends busybox-static; \
      rm -rf /var/lib/apt/lists/*; \
    fi
RUN mkdir -p /image/bin /image/usr/bin /image/etc/ssl/certs; \
    mkdir -m 1777 /image/tmp; \
    cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; \
    cp "$(command -v busybox)" /image/bin/busybox; \
    for tool in sh tar find cat tail head mkdir cp mv rm ls ln chmod chown test env id sleep stat touch wc; do \
      ln -s busybox "/image/bin/$tool"; \
    done; \
    ln -s /bin/env /image/usr/bin/env

WORKDIR /build
# glibc linked in: the runtime image has no libraries. It takes --target, or build scripts would be linked so too.
ENV RUSTFLAGS="-C target-feature=+crt-static"
# The dependencies first, with an empty program: they change seldom, and this layer is kept.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src; \
    echo 'fn main() {}' >src/main.rs; \
    touch src/lib.rs; \
    cargo build --release --locked --target "$(uname -m)-unknown-linux-gnu"; \
    rm -r src
COPY action.yml ./
COPY src src
RUN find src -type f -exec touch {} +; \
    cargo build --release --locked --target "$(uname -m)-unknown-linux-gnu"; \
    cp "target/$(uname -m)-unknown-linux-gnu/release/ecs-deploy" /image/ecs-deploy; \
    ln -s ecs-deploy /image/ecs-deploy-post

# No USER: GitHub's runners need root to write their own files.
FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.description="From a commit to a proven, healthy Amazon ECS service in one step" \
      org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND GPL-2.0-only"
COPY --from=build /image/ /
ENTRYPOINT ["/ecs-deploy"]
