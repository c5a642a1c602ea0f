# Everything that can be done with the source, by one name each. `make help` lists it.

CARGO ?= cargo
CONFIG ?= asterisk.conf

.PHONY: help build run demo test lint bench bench-compare fuzz clean

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
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

test: ## install what the tests need and run everything that CI runs
	tests/install-tools
	$(MAKE) lint
	$(CARGO) build --release --workspace
	$(CARGO) test --workspace

bench: build ## measure; writes target/bench/results.md
	target/release/starling-bench

bench-compare: build ## registrations and subscriptions with passwords, beside Kamailio (tests/install-tools)
	target/release/starling-bench --only peers

fuzz: ## damaged input for every parser, 10 seconds each; needs nightly and cargo-fuzz
	fuzz/run 10

clean: ## remove everything that was built
	$(CARGO) clean
