# SPDX-License-Identifier: MIT
#
# Checks, system tests, and everything together.

.PHONY: check
check: objects ## Lint: include rules, circles, headers alone, house rules, cppcheck, shellcheck, spelling (CHECK="style ...")
	$(Q)CHECK='$(CHECK)' $(PYTHON) tests/lint/run.py $(CC) $(HV_CFLAGS)

.PHONY: test-system
test-system: $(B)/xen-lite $(GUESTS) ## Boot images in QEMU (BIOS, UEFI) and Bochs and compare what they say (TEST=words)
	$(Q)$(PYTHON) -B -m pytest -q -p no:cacheprovider --no-header $(if $(TEST),-k '$(TEST)') tests/system

# Quick kinds first: what fails, fails early.
TEST_KINDS ?= check test-abi test-decode test-unit test-system

.PHONY: test
test: ## Everything: lint, ABI, decoder, unit and system tests; the last line counts them
	$(Q)$(PYTHON) tests/run_all.py $(MAKE) $(TEST_KINDS)

compile_commands.json: FORCE ## For editors and clang tools: how each source is compiled
	$(Q)$(PYTHON) tools/compile-commands '$(CC)' '$(HV_CFLAGS)' $(HV_C_SRC) >$@
