# SPDX-License-Identifier: MIT
#
# Checks, system tests, and everything together.

.PHONY: check
check: objects ## Lint: includes, circles, headers, house rules, cppcheck, shellcheck, spelling (CHECK="style ...")
	$(Q)CHECK='$(CHECK)' $(PYTHON) -B tests/lint/run.py $(CC) $(HV_CFLAGS)

.PHONY: docs
docs: ## Write the pages that are made from the sources anew: docs/hypercalls.md
	$(Q)$(PYTHON) -B tools/hypercalls-doc

.PHONY: test-compilers
test-compilers: ## Build hypervisor and guests with gcc and with clang, warnings as errors
	$(Q)$(MAKE) --no-print-directory CC=gcc WERROR=1 $(B)/hv/xen-lite.elf guests
	$(Q)$(MAKE) --no-print-directory CC=clang WERROR=1 GUEST_BUILD=$(B)/guests-clang $(B)/hv-clang/xen-lite.elf guests
	@echo "compilers: 2 passed, 0 failed"

.PHONY: test-system
test-system: $(B)/xen-lite $(GUESTS) ## Boot images in QEMU (BIOS, UEFI) and Bochs, see what they say (TEST=words)
	$(Q)$(MAKE) --no-print-directory CC=clang $(B)/hv-clang/xen-lite.elf
	$(Q)$(PYTHON) -B -m pytest -q -p no:cacheprovider -W ignore::DeprecationWarning --no-header \
	  $(if $(TEST),-k '$(TEST)') tests/system

# Quick kinds first: what fails, fails early.
TEST_KINDS ?= check test-compilers test-abi test-decode test-unit fuzz-replay coverage test-bench test-system assurance

.PHONY: test
test: ## Everything: lint, compilers, ABI, decoder, unit, coverage, cost, system, evidence; the last line counts them
	$(Q)$(PYTHON) -B tests/run_all.py $(MAKE) $(TEST_KINDS)

compile_commands.json: FORCE ## For editors and clang tools: how each source is compiled
	$(Q)$(PYTHON) tools/compile-commands '$(CC)' '$(HV_CFLAGS)' $(HV_C_SRC) >$@
