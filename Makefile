# `make` lists what there is to run. What the tests need beside Rust is built
# and installed once by `make setup`, into .cache/ (see tools/testbed).

CRDS := crds/*.yaml

.DEFAULT_GOAL := help
.PHONY: help setup demo test crds lint bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Provide etcd, an API server and MiniStack in .cache/ (once, about 6 minutes)
	@python3 tools/testbed setup

demo: setup ## Show the operator at work on this machine; ARGS="..." is passed on
	cargo build --workspace
	python3 tools/demo $(ARGS)

test: setup ## Run all tests, and judge the cost of the CEL rules
	cargo test --workspace
	python3 tools/testbed cel-cost $(CRDS)

crds: ## Write the CRDs in crds/ anew from the Rust types
	cargo run --quiet -- crds --output crds

lint: ## Check format, clippy, documentation and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo "cargo-deny is not installed, so licences and advisories were not checked"; fi

bench: setup ## Measure a quiet pass and many services; ARGS="..." is for the latter
	cargo bench --bench pass
	cargo bench --bench fleet -- $(ARGS)

clean: ## Remove target/ and .cache/
	rm -rf target .cache
