#!/usr/bin/env bash
# Fuzzes sequences of operations on a pool for FUZZ_SECONDS (60), from the inputs in fuzz/seeds on.
# Needs nightly and cargo-fuzz; without them it says so and succeeds. What it finds is in fuzz/artifacts, what it learns in
# fuzz/corpus; copy to fuzz/seeds what is to be kept.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

if ! rustc +nightly --version > /dev/null 2>&1 || ! cargo fuzz --version > /dev/null 2>&1; then
    echo "fuzz: skipped, it needs a nightly toolchain and cargo-fuzz (cargo install cargo-fuzz)"
    exit 0
fi
mkdir -p fuzz/corpus/operations
exec cargo +nightly fuzz run operations fuzz/corpus/operations fuzz/seeds -- \
    -max_len=1600 -timeout=60 -max_total_time="${FUZZ_SECONDS:-60}"
