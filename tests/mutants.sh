#!/usr/bin/env bash
# Breaks the library, one thing at a time, in a copy of the sources, and runs the tests that have to notice.
#   mutants.sh              all of the list below
#   mutants.sh WORD         those whose name contains it
#   mutants.sh --file PATH  whatever cargo-mutants finds to break in a file of the allocator
# What survives is said at the end, and is in docs/testing.md with the reason. It is no failure: the status is 0 unless a mutant
# could not be tried, because the code it breaks has changed or its tests fail without it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:${HOME:-/root}/.cargo/bin:$PWD/target/tools/bin

if [[ ${1:-} == --file ]]; then
    if ! cargo mutants --version > /dev/null 2>&1; then
        echo "Installing cargo-mutants into target/tools."
        cargo install --quiet --locked --root target/tools cargo-mutants || exit 1
    fi
    # It would look for both packages' tests in the one that it breaks, to see that they pass before: done here instead.
    # 300 s: a mutant that hangs is caught; two processors that are busy with something else are not.
    cargo test --quiet --package millpond --package millpond-tests --lib --test all -- --skip stress:: || exit 1
    exec cargo mutants --file "${2:?a file}" --test-package millpond --test-package millpond-tests --baseline skip \
        --timeout 300 --output target
fi

word=${1:-}
tree=$PWD/target/mutants/tree
logs=$PWD/build/logs/mutants
export CARGO_TARGET_DIR=$PWD/target/mutants/cargo
# Far beyond what any of these tests takes: a mutant that hangs has been noticed.
patience=1800
read -r oldest _ < <(.ci/jdks)
verdicts=()
declare -A sound

# With new times (-m), as what is built there may be of a mutant that was stopped, or the last one.
rm -rf "$tree" "$logs"
mkdir -p "$tree" "$logs"
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [[ -f $file ]] && printf '%s\0' "$file"; done |
    tar -c --null -T - | tar -x -m -C "$tree"

# Runs tests in the copy: `rust FILTER…`, `loom FILTER…` or `java CLASS`.
tests() {
    local kind=$1
    shift
    case $kind in
        rust) (cd "$tree" && timeout "$patience" cargo test --quiet --package millpond --package millpond-tests --lib --test all -- "$@") ;;
        loom) (cd "$tree" && timeout "$patience" tests/rust/loom.sh "$@") ;;
        java) (cd "$tree" && timeout "$patience" .ci/gradle -q javaTests "-Ponly=$1" "-Pjdk=$oldest") ;;
    esac < /dev/null
}

# What is broken, in which file, by which Perl substitution, and which tests have to notice.
mutant() {
    local name=$1 file=$2 change=$3 how=$4
    [[ $name == *"$word"* ]] || return 0
    local log=$logs/${name//[^A-Za-z0-9]/-}.log verdict
    if [[ -z ${sound[$how]:-} ]]; then
        # shellcheck disable=SC2086
        if tests $how > "$logs/unbroken-${how//[^A-Za-z0-9]/-}.log" 2>&1; then sound[$how]=yes; else sound[$how]=no; fi
    fi
    perl -0pi -e "$change" "$tree/$file"
    if [[ ${sound[$how]} == no ]]; then
        verdict="NOT TRIED, $how fails without it"
    elif cmp -s "$file" "$tree/$file"; then
        verdict="NOT TRIED, $file has changed"
    elif tests $how > "$log" 2>&1; then # shellcheck disable=SC2086
        verdict=SURVIVED
    elif grep -qE '^error: could not compile|Compilation failed' "$log"; then
        verdict="NOT TRIED, it does not compile: $log"
    else
        verdict=killed
    fi
    # With a new time, so that it is compiled again.
    cp "$file" "$tree/$file"
    echo "$name: $verdict"
    verdicts+=("$verdict")
}

arena=rust/core/src/arena/mod.rs
cache=rust/core/src/cache/thread.rs
flow=rust/core/src/flow.rs
linux=rust/core/src/os/linux.rs
java=java/core/src/main/java/io/millpond

# Placement and memory.
mutant "the emptiest slab first" $arena 's/(self\.partial\[class\.index\(\)\]\.iter\(\))\.find/$1.rev().find/' "rust placement::"
mutant "all threads in arena 0" $flow 's/\.min_by_key\(threads\)/.next()/' "rust placement::"
mutant "bookkeeping of empty chunks kept" $arena 's/state\.purge_idle_metadata\(index, backing\);//' "rust pool::what_is_known"
mutant "huge pages not refused" $linux 's/let advice = if on/if !on { return; }\n        let advice = if on/' "rust placement::"
mutant "purges beyond 64 runs of a chunk skipped" $arena 's/if runs\.len\(\) < PURGE_RUNS \{\s*\*next \+= 1;\s*\}/*next += 1;/' "rust limit::all_that_is_free"
mutant "no other arena at the limit" $flow 's/for turn in 1\.\.self\.arenas\.len\(\)/for turn in 1..1/' "rust limit::free_blocks_of_another"
mutant "newcomers past those who wait" rust/core/src/limit.rs 's/if !self\.is_waited_at\(\) \{/if place.is_none() || !self.is_waited_at() {/' "rust limit"

# Caches of threads.
mutant "a steal that leaks the allowance" $cache 's/self\.allowance\.give_back\(bytes\);//' "rust cache"
mutant "a surplus that always doubles" $cache 's/if overflows > 1 \{ 2 \* surplus \} else \{ surplus \}/2 * surplus/' "rust cache"
mutant "weak entries of dropped pools kept" rust/core/src/cache/local.rs 's/entries\.retain\(\|entry\| entry\.owner\.strong_count\(\) > 0\);//' "rust local::"
mutant "threads of an arena that never fall" $flow 's/self\.arenas\[cache\.arena\(\)\]\.threads\.fetch_sub\(1, Ordering::Relaxed\);//' "rust caches::newcomers"
mutant "fetched blocks that could be freed" $flow 's/if self\.marks_fetched\.load\(Ordering::Relaxed\)/if false/' "rust what_a_cache_fetched"
mutant "a membarrier that does nothing" $linux 's/ && membarrier_call\(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED\)//' "java OwnerAndVisitorRace"

# Magazines and handles.
mutant "a plain store in release()" $java/PooledBuffer.java 's/return size >= 0 && [^;]*;/if (size < 0) {\n return false;\n}\nstate = ~size;\nreturn true;/' "java TwoReleasesRace"
mutant "no fence in enter()" $java/Magazine.java 's/VarHandle\.acquireFence\(\);//' "java OwnerAndVisitorRace"
mutant "the bound of all magazines ignored" $java/Magazine.java 's/ \|\| room\.get\(\) < bytes//' "java MagazinesTest"
mutant "stale references kept without a surplus" $java/Magazine.java 's/(surplus\);\s*)\}\s*bin\.clearStale\(\);/$1bin.clearStale();\n            }/' "java ForgottenBufferTest"
mutant "a closed pool's magazines closed but once" $java/PoolCore.java 's/(\/\/ Those whose owner was inside[^\n]*\n)\s*giveAll\(\);/$1/' "java MagazinesTest"

# Blocks and their Java objects.
mutant "a huge slot not dropped" $java/Exchange.java 's/slot\.watch\.held = false;\s*(pool\.giveOne)/$1/' "java ForgottenBufferTest"
mutant "blocks not given up for want of heap" $java/Exchange.java 's/giveUp\(addresses, held, sizeClass, into\);\s*throw e;/throw e;/' "java JvmErrorTest"
mutant "pools that may go while they are used" $java/BufferPool.java 's/Reference\.reachabilityFence\(this\);//g; s/(PooledBuffer buffer = )core(\.allocate\(size, forEver)/PoolCore own = core;\n$1own$2/; s/throw core(\.exhausted\(size, timeout\.)/throw own$1/' "java CloseTest"
mutant "a line in which nobody is seen to wait" $java/WaitingLine.java 's/boolean isWaitedIn\(\) \{\s*return [^;]*;/boolean isWaitedIn() {\n return false;/' "java WaitingTest"

count() { printf '%s\n' "${verdicts[@]:-}" | grep -c "^$1"; }
echo "$(count killed) killed, $(count SURVIVED) survived, $(count NOT) not tried"
[[ $(count NOT) -eq 0 ]]
