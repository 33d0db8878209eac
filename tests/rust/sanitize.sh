#!/usr/bin/env bash
# The stress tests under a sanitizer: `sanitize.sh thread`, `sanitize.sh address`, or both without an argument.
# Needs a nightly toolchain, as sanitizers are unstable; without one it says so and succeeds.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

if ! rustc +nightly --version > /dev/null 2>&1; then
    echo "sanitizers: skipped, there is no nightly toolchain (rustup toolchain install nightly)"
    exit 0
fi
if [[ $(uname -s) != Linux ]]; then
    echo "sanitizers: skipped, they are set up for Linux only"
    exit 0
fi

host=$(rustc -vV | sed -n 's/^host: //p')
# Each sanitizer needs everything compiled anew, so each has a directory of its own.
run() {
    local sanitizer=$1
    shift
    echo "sanitizer: $sanitizer"
    RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer" \
        CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize-$sanitizer \
        CARGO_PROFILE_DEV_OPT_LEVEL=1 \
        cargo +nightly test --quiet --package millpond-tests --test all --target "$host" -- "$@" < /dev/null
}

status=0
for sanitizer in "${@:-thread address}"; do
    for one in $sanitizer; do
        case $one in
            # A race of the allocator is one between threads: the shapes of load have them.
            thread) TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/rust/tsan.supp ${TSAN_OPTIONS:-}" run thread stress:: || status=1 ;;
            # Out of bounds, after free, leaked: the model's system records what is mapped, this one what is malloc'ed.
            address) run address stress:: against_model:: || status=1 ;;
            *) echo "sanitize.sh: '$one' is neither thread nor address" >&2 && exit 2 ;;
        esac
    done
done
exit "$status"
