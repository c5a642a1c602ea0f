# Everything that can be done with the source, by one name each. `make help` lists it.

CARGO ?= cargo
CONFIG ?= asterisk.conf

.PHONY: help build run demo test lint memory soak bench bench-compare fuzz clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' Makefile

build: ## build the server and its modules, optimised
	$(CARGO) build --release --workspace

run: build ## build and start the server with a console on the sample configuration
	target/release/starling -c -C $(CONFIG)

demo: build ## the server, forty phones and a live table of their lamps; q quits
	target/release/starling-demo

lint: ## formatting, lints, documentation
	$(CARGO) fmt --all -- --check
	cd examples && $(CARGO) fmt --all -- --check
	cd tests/modules && $(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

test: ## install what the tests need and run everything that CI runs
	tests/install-tools
	$(MAKE) lint
	$(CARGO) build --release --workspace
	$(CARGO) test --workspace
	$(MAKE) memory

# Valgrind sees what the code of a module touches after it was unloaded, and what it leaves behind.
VALGRIND = target."cfg(all())".runner = "valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"

memory: ## load, use and unload modules under valgrind, a few times
	STARLING_CYCLES=20 $(CARGO) --config '$(VALGRIND)' test --workspace --test closing -- --test-threads=1

soak: build ## the same thousands of times, and under traffic
	STARLING_CYCLES=5000 $(CARGO) --config '$(VALGRIND)' test --workspace --test closing -- --test-threads=1
	STARLING_CYCLES=2000 $(CARGO) test --workspace --test e2e modules_at_run_time::cycles

bench: build ## measure; writes target/bench/results.md
	target/release/starling-bench

bench-compare: build ## registrations and subscriptions with passwords, beside Kamailio (tests/install-tools)
	target/release/starling-bench --only peers

fuzz: ## damaged input for every parser, 10 seconds each; needs nightly and cargo-fuzz
	fuzz/run 10

clean: ## remove everything that was built
	$(CARGO) clean
