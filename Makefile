# `make` lists what there is to run. What the tests need beside Rust is built
# and installed once by `make setup`, into .cache/ (see tools/testbed).

CRDS := crds/*.yaml

.DEFAULT_GOAL := help
.PHONY: help setup demo test crds docs lint bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Provide etcd, an API server, MiniStack and moto in .cache/ (once, about 6 minutes)
	@python3 tools/testbed setup

demo: setup ## Show the operator at work on this machine; ARGS="..." is passed on
	cargo build --workspace --all-targets
	python3 tools/demo $(ARGS)

# Most tests wait, for ECS or for Kubernetes: four at a time keep two cores busy.
test: setup ## Run all tests, and judge the CRDs and the documents
	cargo test --workspace -- --test-threads=4
	python3 tools/testbed cel-cost $(CRDS)
	python3 tools/apidoc --check
	python3 tools/docs

crds: ## Write the CRDs in crds/ anew from the Rust types
	cargo run --quiet -- crds --output crds

docs: setup crds ## Write docs/api.md anew, and crds/ before it
	python3 tools/apidoc

lint: ## Check format, clippy, documentation and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@if grep -rn --include='*.rs' aws_sdk_ src tests mirror | grep -v '^src/ecs/'; then \
	echo "only src/ecs may name the AWS SDK"; exit 1; fi
	python3 tools/dependencies.py
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; \
	else echo "cargo-deny is not installed: the line above is all that was checked of the dependencies"; fi

bench: setup ## Measure a quiet pass and many services; ARGS="..." is for the latter
	cargo bench --bench pass
	cargo bench --bench fleet -- $(ARGS)

clean: ## Remove target/ and .cache/
	rm -rf target .cache
