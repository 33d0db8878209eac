#!/usr/bin/env bash
# The loom models: every interleaving of a few threads in a pool, at the depot and at the limit.
# With loom's types everything is compiled anew, so that has a directory of its own.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom \
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    exec cargo test --quiet --package millpond --lib --release -- _models "$@" < /dev/null
