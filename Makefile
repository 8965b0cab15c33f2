# SPDX-License-Identifier: MIT
#
# Builds, runs and tests xen-lite. `make help` lists every target; each is explained by its `##` comment.
# The parts stand in mk/: hypervisor, guests, image and run, unit tests, checks.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL     := /bin/sh

# Settings a user may give: make run GUEST=hello MODE=rewrite MEM=512 V=1
ifeq ($(origin CC),default)
CC := gcc
endif
V      ?= 0
WERROR ?= 0
# Debian's own interpreter first: it is the one that sees Debian's pytest and pexpect.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

B := build
Q := $(if $(filter-out 0,$(V)),,@)
say = $(if $(filter-out 0,$(V)),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')
is_clang := $(findstring clang,$(notdir $(firstword $(CC))))

include mk/hypervisor.mk
-include mk/guests.mk
include mk/image.mk
include mk/unit.mk
include mk/fuzz.mk
-include tests/unit/abi/abi.mk
-include tests/unit/decode/decode.mk
include mk/check.mk
include mk/assurance.mk

.PHONY: all
all: $(B)/xen-lite $(GUESTS) ## Build the hypervisor and all guests

.PHONY: help
help: ## Print this list
	@printf 'Targets:\n'
	@awk -F ':.*## ' '/^[a-zA-Z_.-]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) | sort -u
	@printf '\nSettings:\n'
	@awk '/^#= / { sub(/^#= /, ""); print "  " $$0 }' $(MAKEFILE_LIST)

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(B) compile_commands.json .pytest_cache

.PHONY: FORCE
FORCE:

#= CC=gcc|clang     compiler (default gcc)
#= WERROR=1         warnings are errors, as in CI
#= V=1              show each command
#= GUEST=name       run: this guest instead of the demonstration
#= MODE=direct|rewrite  run: its paging mode (default direct)
#= ARGS=words       run: the guest's command line
#= XL=options       run with GUEST: the hypervisor's command line
#= MEM=megabytes    run: memory of the machine (default 256)
#= SMP=cpus         run: processors of the machine (default 1)
#= CPU=model ACCEL=tcg|kvm  run: QEMU's -cpu and -accel (default max, tcg)
