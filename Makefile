# Commands for people: `make run`, `make check`, `make test`, `make soak`, `make package`. Everything else is plain CMake with presets (README.md).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: run check test soak build package format deps-build deps-run deps-check deps-test deps-soak deps-package clean help
.DEFAULT_GOAL := help

FOR ?=
JOBS ?= $(shell nproc)
# Most tests wait most of their time, so four run for each CPU; tests/CMakeLists.txt says which take more than one of these slots.
SLOTS ?= $(shell echo $$(($(JOBS) * 4)))

help:
	@echo "make run [FOR=seconds]   build, start the agent on config/examples, show its containers live"
	@echo "make check               build, run the tests that need no root: formatting, layers, all unit tests"
	@echo "make test                build, run every test"
	@echo "make soak [FOR=seconds]  build, run the long forms of what repeats, and each fuzzer for so long (default 600)"
	@echo "make build               build/release/bin/{mete,mete-oci,mete-shim}"
	@echo "make package             build/mete_VERSION_ARCHITECTURE.deb"
	@echo "make format              give every C++ file the form that 'make check' asks for"
	@echo "make clean               remove build/"

deps-build deps-run deps-check deps-test deps-soak deps-package: deps-%:
	@tools/install-packages $*

build: deps-build
	cmake --preset release -DMETE_BUILD_TESTS=OFF
	cmake --build --preset release -j $(JOBS)

package: build deps-package
	cd build && cpack --config release/CPackConfig.cmake -B $(CURDIR)/build/package
	mv build/package/mete_*.deb build/ && rm -r build/package
	@ls build/mete_*.deb

run: build deps-run
	@tools/run-examples "$(FOR)"

check: deps-build deps-check
	cmake --preset release -DMETE_BUILD_TESTS=ON
	cmake --build --preset release -j $(JOBS) --target unit_programs
	tools/run-tests --preset release -L unit -j $(SLOTS)

test: deps-build deps-run deps-check deps-test
	cmake --preset release -DMETE_BUILD_TESTS=ON
	cmake --build --preset release -j $(JOBS)
	tools/run-tests --preset release -j $(SLOTS)

soak: deps-build deps-run deps-check deps-test deps-soak
	cmake --preset release -DMETE_BUILD_TESTS=ON
	cmake --build --preset release -j $(JOBS)
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	tools/soak "$(FOR)" $(SLOTS)

format: deps-check
	git ls-files -z '*.cpp' '*.h' | xargs -0 clang-format-14 -i

clean:
	rm -rf build
