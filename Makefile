# Two commands for people: `make run` and `make test`. Everything else is plain CMake with presets (README.md).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: run test build deps-build deps-run deps-test clean help
.DEFAULT_GOAL := help

FOR ?=
JOBS ?= $(shell nproc)

help:
	@echo "make run [FOR=seconds]   build, start the agent on config/examples, show its containers live"
	@echo "make test                build, run every test"
	@echo "make build               build/release/bin/{mete,mete-oci,mete-shim}"
	@echo "make clean               remove build/"

deps-build deps-run deps-test: deps-%:
	@tools/install-packages $*

build: deps-build
	cmake --preset release -DMETE_BUILD_TESTS=OFF
	cmake --build --preset release -j $(JOBS)

run: build deps-run
	@tools/run-examples "$(FOR)"

test: deps-build deps-run deps-test
	cmake --preset release -DMETE_BUILD_TESTS=ON
	cmake --build --preset release -j $(JOBS)
	ctest --preset release

clean:
	rm -rf build
