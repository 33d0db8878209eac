#!/usr/bin/env bash
# Fuzzes for FUZZ_SECONDS (60) each: `fuzz.sh operations`, `fuzz.sh calls`, or both without an argument. Begins with the inputs in
# fuzz/seeds, leaves what it finds in fuzz/artifacts and what it learns in fuzz/corpus; copy to fuzz/seeds what is to be kept.
# cargo-fuzz goes into target/tools if it is missing; the nightly toolchain is that of tests/rust/nightly.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin:$PWD/../../target/tools/bin

toolchain=$(../../.ci/nightly) || exit 1
if ! cargo fuzz --version > /dev/null 2>&1; then
    echo "Installing cargo-fuzz into target/tools."
    cargo install --quiet --locked --root ../../target/tools cargo-fuzz || exit 1
fi

[[ $# -gt 0 ]] || set -- operations calls
status=0
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    cargo "+$toolchain" fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_len=1600 -timeout=600 -max_total_time="${FUZZ_SECONDS:-60}" || status=1
done
exit "$status"
