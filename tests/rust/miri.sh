#!/usr/bin/env bash
# The unit tests of the parts of the allocator that need no system calls, in Miri's interpreter, which notices undefined behaviour:
# accesses out of bounds, misaligned, or through a pointer that may not be used so.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin

toolchain=$(.ci/nightly) || exit 1
[[ $# -gt 0 ]] || set -- size_class:: arena::run:: arena::slab:: arena::chunk_list:: decay::
# No name but the parts': with what is above in `$@`, cargo runs each test whose name contains one of them.
MIRIFLAGS=-Zmiri-strict-provenance CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri \
    exec cargo "+$toolchain" miri test --quiet --package millpond --lib -- "$@" < /dev/null
