#!/usr/bin/env bash
# Fuzzes sequences of operations on a pool for FUZZ_SECONDS (60), from the inputs in fuzz/seeds on.
# Needs cargo-fuzz (cargo install cargo-fuzz) and the nightly toolchain of tests/rust/nightly. What it finds is in fuzz/artifacts, what it learns in
# fuzz/corpus; copy to fuzz/seeds what is to be kept.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

if ! cargo fuzz --version > /dev/null 2>&1; then
    echo "There is no cargo-fuzz here. Run: cargo install cargo-fuzz" >&2
    exit 1
fi
toolchain=$(../../.ci/nightly) || exit 1
mkdir -p fuzz/corpus/operations
exec cargo "+$toolchain" fuzz run operations fuzz/corpus/operations fuzz/seeds -- \
    -max_len=1600 -timeout=60 -max_total_time="${FUZZ_SECONDS:-60}"
