# Every chore of the project by name; `make help` lists them. Real work is in tools/ and cmake/.
# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test build bench attacks lint format asan tsan fuzz models bare clean
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## install what is missing, build, start a broker to try (loopback, own CA and token issuer)
	@exec build/release/latchkey serve --dev

build: ## build/release/latchkey
	@tools/setup build
	@cmake --preset release -DLK_TESTS=OFF -DLK_BENCH=OFF >build/configure-release.log || { cat build/configure-release.log; exit 1; }
	@cmake --build build/release --target latchkey -j $(JOBS)
	@echo build/release/latchkey

test: ## all tests: layers, unit, simulator, end-to-end; the last line is the total
	@tools/setup test
	@tools/run_tests.py --preset dev --jobs $(JOBS)

asan: ## the same tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup test
	@tools/run_tests.py --preset asan --jobs $(JOBS)

tsan: ## the same tests with ThreadSanitizer
	@tools/setup test
	@tools/run_tests.py --preset tsan --jobs $(JOBS)

lint: ## rooms, seams, simulator rules, every header alone, formatting
	@tools/setup lint
	@tools/lint --jobs $(JOBS)

format: ## lay out every source file
	@tools/setup lint
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs -r clang-format-19 -i

fuzz: ## every fuzzer for FUZZ_SECONDS (30) each
	@tools/setup fuzz
	@tools/fuzz --seconds $(FUZZ_SECONDS) --jobs $(JOBS)

bench: ## benchmarks, as ratios against the peers found here
	@tools/setup bench
	@tools/bench --jobs $(JOBS)

attacks: ## every attack at full length beside a well-behaved client; prints turns, memory, processor time
	@tools/setup test
	@tools/attacks --jobs $(JOBS)

models: ## model-check the protocols of the data path (spin)
	@tools/setup models
	@tools/run_models.py

bare: ## prove setup, run and test on a fresh Debian 12 root (root rights, network)
	@tools/setup bare
	@tools/bare

clean: ## remove what was built here
	@rm -rf build tests/e2e/node_modules
