# Everything there is to do with Millpond. `make help` lists it; `make demo` and `make test` are all a newcomer needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
export PATH := $(PATH):$(HOME)/.cargo/bin

# The file the demo serves; empty: the JDK's own lib/modules.
FILE ?=
# Which Java tests: Class or Class#method; empty: all.
TEST ?=
# The JDK to run on, 17 or 25 for example; empty: tests run on each one found, everything else on the oldest.
JDK ?=
# Which JMH benchmarks, and nothing else: a regular expression for the names of suites, `pair` for example; empty: all there is.
BENCH ?=
# What `make bench-compare` compares with: a revision, or the directory of a checkout.
BASE ?=
# How long each half of `make soak` lasts, and each fuzzer.
SOAK_SECONDS ?= 600
FUZZ_SECONDS ?= 60

GRADLE_RUN := .ci/gradle -q
# What it runs leaves all that it prints in build/logs, and says where if it fails.
LOGGED := .ci/logged
JAVA_OPTIONS := $(if $(TEST),-Ponly='$(TEST)') $(if $(JDK),-Pjdk=$(JDK))
# The option is for what JMH starts: those JVMs do not see the manifest that grants it.
JAVA_RUN = "$$(.ci/jdks | sed -n '$(if $(JDK),s/^$(JDK) //p,1s/^[0-9]* //p)')/bin/java" --enable-native-access=ALL-UNNAMED
# Figures are of all JDKs found, or of one.
BENCH_JDKS = "$$(.ci/jdks | sed -n '$(if $(JDK),/^$(JDK) /)s/ /=/p' | paste -sd,)"
BENCH_JAVA = "$$(.ci/jdks | sed -n '1s/^[0-9]* //p')/bin/java" -cp benchmarks/java/build/libs/benchmarks.jar io.millpond.benchmarks
BENCH_RUN := cargo run --release --quiet --package millpond-benchmarks --features peers --bin

.PHONY: help setup demo test test-rust test-java lint format bench bench-quick bench-native bench-compare bench-report install soak sanitize miri fuzz mutants clean

help: ## this list
	@echo "Millpond, an off-heap buffer pool for the JVM. Targets:"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup:
	@.ci/setup

demo: setup ## file servers: pooled buffers beside allocateDirect (FILE=… serves another file), then with Netty
	@$(GRADLE_RUN) :millpond-examples:demoJar
	@$(JAVA_RUN) -jar examples/build/libs/demo.jar $(if $(FILE),"$(FILE)")

test: setup ## all tests, the fastest first: cargo's, loom, and JUnit's and jcstress' on JDK 17 and every newer one found
	@.ci/test

test-rust: setup ## only cargo's tests
	@$(LOGGED) test-rust cargo test --workspace

test-java: setup ## only JUnit's and jcstress' (TEST=Class or TEST=Class#method, JDK=17)
	@$(LOGGED) test-java $(GRADLE_RUN) --continue javaTests $(JAVA_OPTIONS)

lint: ## formatting, clippy, javac, documentation, checkstyle: no warning is left
	@.ci/setup lint
	@$(LOGGED) lint .ci/lint

format: ## formats the Rust sources
	@cargo fmt --all

bench: setup ## the Java side beside allocateDirect and Netty's allocators, on each JDK: two hours, on a quiet machine (BENCH=regex)
	@$(GRADLE_RUN) :millpond-benchmarks:benchmarksJar
	@$(BENCH_JAVA).Benchmarks --jdks $(BENCH_JDKS) --only '$(BENCH)'
	@if [[ -n '$(BENCH)' ]]; then exit; fi; \
	for program in memory.Retained memory.Container memory.TrimTime memory.HeapGrowth server.HttpLoad; do \
		$(BENCH_JAVA).$$program --jdks $(BENCH_JDKS) || exit; \
	done; \
	$(BENCH_JAVA).report.Report

bench-quick: setup ## the same for a first look: a few minutes, figures not to be published
	@$(GRADLE_RUN) :millpond-benchmarks:benchmarksJar
	@$(BENCH_JAVA).Benchmarks --quick --jdks $(BENCH_JDKS) --only '$(BENCH)' --out build/benchmarks/quick.tsv

bench-native: setup ## the Rust core beside jemalloc, mimalloc, snmalloc, rpmalloc and glibc: ten minutes, on a quiet machine
	@cargo build --release --quiet --package millpond-benchmarks --features peers --bins
	@$(BENCH_RUN) compare
	@$(BENCH_RUN) memory
	@if command -v valgrind > /dev/null; then $(BENCH_RUN) instructions; else echo "Without valgrind no instructions are counted."; fi

bench-compare: setup ## whether this tree is slower than another (BASE=revision or directory): twenty minutes, on a quiet machine
	@JDKS=$(BENCH_JDKS) ONLY='$(BENCH)' benchmarks/against '$(BASE)'

bench-report: setup ## the tables and pictures of docs/benchmarks.md from what bench-native recorded
	@cargo run --release --quiet --package millpond-benchmarks --bin report

install: setup ## classes, sources, javadoc and native jar into the local Maven repository
	@$(GRADLE_RUN) :millpond:publishToMavenLocal :millpond-netty:publishToMavenLocal
	@echo "Installed io.millpond:millpond and io.millpond:millpond-netty into the local Maven repository."

soak: setup ## the long tests: SOAK_SECONDS=600 for the allocator, then as long for the JVM side, with a progress line
	@SOAK_SECONDS=$(SOAK_SECONDS) $(LOGGED) soak-rust cargo run --release --quiet --package millpond-tests --bin soak
	@SOAK_SECONDS=$(SOAK_SECONDS) $(LOGGED) soak-java $(GRADLE_RUN) javaTests -Psoak $(JAVA_OPTIONS)

sanitize: ## the stress tests under ThreadSanitizer and AddressSanitizer, on the nightly toolchain of tests/rust/nightly
	@.ci/setup
	@$(LOGGED) sanitize tests/rust/sanitize.sh

miri: ## the parts of the allocator that need no system calls, in Miri's interpreter
	@.ci/setup
	@$(LOGGED) miri tests/rust/miri.sh

fuzz: ## the fuzzers: operations, and hostile calls through C, for FUZZ_SECONDS=60 each
	@.ci/setup
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(LOGGED) fuzz tests/rust/fuzz.sh

mutants: setup ## broken copies of the library, which the tests have to notice (FILE=rust/core/src/limit.rs for all of a file)
	@$(LOGGED) mutants tests/mutants.sh $(if $(FILE),--file $(FILE))

clean: ## removes all that was built
	@cargo clean --quiet
	@rm -rf build .gradle {java/core,java/netty,tests/java,tests/jcstress,tests/netty42,tests/applications,examples,benchmarks/java}/build
