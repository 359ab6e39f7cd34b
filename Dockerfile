# An image of Standclear.
#
#   docker build -t standclear .
#   docker run --init --restart unless-stopped --network host --device /dev/snd \
#       -v /srv/standclear/config:/etc/standclear:ro -v /srv/standclear/data:/var/lib/standclear standclear
#
# `--network host` because the box listens on loopback only; the page is then at the host's 127.0.0.1.
# docs/guide/container.md has the rest.
#
# On a Jetson, give the last stage NVIDIA's base, with its decoders and GPU libraries, and run it with
# NVIDIA's container runtime:
#
#   docker build -t standclear --build-arg RUNTIME_BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0 .

ARG RUNTIME_BASE=debian:bookworm-slim

# --- the page ---------------------------------------------------------------------------------
FROM node:20-bookworm-slim AS page
WORKDIR /build/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

# --- the program ------------------------------------------------------------------------------
# The image's Rust is the one in rust-toolchain.toml (tests/docker.test.mjs holds the two together),
# so that file stays out: it would ask for the developer's tools too.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY scripts/setup scripts/setup
RUN scripts/setup --compile && rm -rf /var/lib/apt/lists/*
COPY . .
COPY --from=page /build/web/dist web/dist
RUN cargo build --release --locked --bin standclear

# --- what runs --------------------------------------------------------------------------------
# hadolint ignore=DL3006
FROM ${RUNTIME_BASE} AS runtime
WORKDIR /opt/standclear
COPY scripts/setup scripts/setup
RUN scripts/setup --run && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/standclear \
        --groups audio,video --shell /usr/sbin/nologin standclear \
    && install -d -o standclear -g standclear /var/lib/standclear
COPY LICENSE NOTICE ./
COPY models models
COPY --from=build /build/target/release/standclear /usr/local/bin/standclear

ENV ORT_DYLIB_PATH=/opt/standclear/.deps/onnxruntime/libonnxruntime.so
# The store is the only thing written; the configuration and the zone files come from the site.
VOLUME /var/lib/standclear
VOLUME /etc/standclear
WORKDIR /var/lib/standclear
# By number, for hosts that insist on it; without a group, so that it keeps audio and video.
USER 10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/standclear"]
CMD ["run", "--config", "/etc/standclear/standclear.toml"]
