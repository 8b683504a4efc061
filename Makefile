# SPDX-License-Identifier: GPL-2.0-only
#
# For people; the kernel never sees this file. "make help" lists the targets, each
# of which runs a script in harness/, most often the one of its name.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Not every shell expands the ~ of TREE=~/linux.
tree = $(or $(patsubst ~/%,$(HOME)/%,$(TREE)),$(error say where the tree is: make $@ TREE=DIR))

##setup: install every package that any target needs, and get the base
setup:
	@harness/setup

##run: boot, and pass camera frames through three devices
run:
	@harness/run

##test: run all tests, in a guest that finds faults (as CI does)
test:
	@harness/test

##test-races: run KUnit in a kernel that finds data races
test-races:
	@harness/test kcsan

##test-reuse: make millions of buffers, and look for bytes of others in them
test-reuse:
	@harness/test reuse

##test-iommu: have a device do DMA, through an IOMMU and through bounce buffers
test-iommu:
	@harness/test iommu

##fuzz: have random programs do everything to buffers, for SECONDS=300
fuzz:
	@FUZZ_SECONDS=$(SECONDS) harness/test long-fuzz

##test-load: have a hundred thousand buffers, fences, and so on
test-load:
	@harness/test load

##soak: have a mixed load for HOURS=4, and see that memory stays flat
soak:
	@SOAK_HOURS=$(HOURS) harness/test soak

##coverage: tell which lines of the subsystem the tests run
coverage:
	@harness/test coverage

##test-callers: run the KUnit suites of the drivers that use the subsystem most
test-callers:
	@harness/test-callers

##shell: boot the run profile with a shell on this terminal
shell:
	@harness/shell

##bench: compare the speed of base and series
bench:
	@harness/bench

##callers: compile all of the kernel that uses the subsystem, WAYS="x86_64 arm64 i386 clang"
callers:
	@harness/callers $(WAYS)

##options: build kernels with the series' options off and on, SEEDS=16
options:
	@harness/options $(SEEDS)

##series: write the patches, and check them
series:
	@harness/series

##bisect: build, boot and try the kernel after each patch
bisect:
	@harness/bisect

##graft: put the series into a Linux 6.12 tree, TREE=DIR
graft:
	@harness/graft "$(tree)"

##ungraft: take the series out of it again, TREE=DIR
ungraft:
	@harness/ungraft "$(tree)"

##base-path: print where the base is
base-path:
	@harness/base

##menuconfig: show the options of the series alone
menuconfig:
	@harness/menuconfig

##lint: check the style of all that is in the series
lint:
	@harness/lint

##docs: make HTML of the documentation, and tell what it lacks
docs:
	@harness/docs

##clean: remove build/, all that was made from the checkout
clean:
	@rm -rf build

help:
	@sed -n 's/^##\([^:]*\): \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '  %-13s %s\n' "$$target" "$$text"; done

# These scripts can't fetch what they are written in.
callers series bisect graft ungraft: | python3
python3:
	@command -v python3 >/dev/null || harness/setup python3

.PHONY: python3 setup run test test-races test-reuse test-iommu test-load soak fuzz coverage test-callers shell bench callers options series bisect graft ungraft base-path menuconfig lint docs clean help
