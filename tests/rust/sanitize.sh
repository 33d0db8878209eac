#!/usr/bin/env bash
# The stress tests under sanitizers: `sanitize.sh thread`, `sanitize.sh address`, or both without an argument.
# The standard library is compiled along: what is not, ThreadSanitizer does not see, and takes the last owner of an `Arc` for a
# race, because a fence orders it that the library leaves out for this sanitizer only.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

toolchain=$(.ci/nightly) || exit 1
host=$(rustc "+$toolchain" -vV | sed -n 's/^host: //p')

# Each sanitizer needs everything compiled anew, so each has a directory of its own.
run() {
    local sanitizer=$1
    shift
    echo "$sanitizer sanitizer, $toolchain: $*"
    RUSTFLAGS="-Zsanitizer=$sanitizer" \
        CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize-$sanitizer \
        CARGO_PROFILE_DEV_OPT_LEVEL=1 \
        cargo "+$toolchain" test --quiet --package millpond-tests --test all -Zbuild-std --target "$host" -- "$@" < /dev/null
}

[[ $# -gt 0 ]] || set -- thread address
status=0
for sanitizer in "$@"; do
    case $sanitizer in
        # A race of the allocator is one between threads: the shapes of load have them.
        thread) TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}" run thread stress:: || status=1 ;;
        # Out of bounds, after free, leaked: the model's system records what is mapped, this one what is malloc'ed.
        address) run address stress:: against_model:: || status=1 ;;
        *) echo "sanitize.sh: '$sanitizer' is neither thread nor address" >&2 && exit 2 ;;
    esac
done
exit "$status"
