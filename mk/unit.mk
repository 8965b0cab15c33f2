# SPDX-License-Identifier: MIT
#
# Unit tests on the host (cmocka): the hypervisor's own sources, unchanged, on the machine of arch/fake.
# tests/unit/NAME/test_X.c becomes build/unit/NAME/test_X, together with the other .c files of its folder.
# The same rules build two variants: build/unit with sanitizers, build/coverage with counters.

UNIT_DIR ?= $(B)/unit
UNIT_VARIANT ?= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1

# What cannot run on the host yet. The list is here to be seen, and to shrink.
#   string.c     the host's own memcpy and friends must serve the sanitizers; tests/unit tests it under other names
#   host_map.c   builds the real machine's tables from the linker's symbols and linked addresses
UNIT_EXCLUDE := xen-lite/lib/string.c arch/x86/paging/host_map.c

UNIT_SRC := $(filter-out $(UNIT_EXCLUDE),$(sort $(wildcard common/*.c hypercalls/*.c xen-lite/lib/*.c \
            arch/x86/paging/*.c arch/x86/emulate/*.c arch/x86/pv/*.c arch/x86/domain.c arch/x86/vcpu.c arch/fake/*.c \
            tests/unit/support/*.c)))
UNIT_OBJ := $(UNIT_SRC:%.c=$(UNIT_DIR)/lib/%.o)
UNIT_LIB := $(UNIT_DIR)/libxl.a

UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard tests/unit/*/test_*.c)))
# Folders with a driver of their own (their .mk is included by the Makefile).
UNIT_TESTS := $(filter-out $(patsubst tests/unit/%,$(UNIT_DIR)/%%,$(dir $(wildcard tests/unit/*/*.mk))),$(UNIT_TESTS))

# Hidden as in the hypervisor: the sanitizers must find the C library's sched_yield(), not ours.
UNIT_CFLAGS := -std=gnu11 -g -fvisibility=hidden -fno-strict-aliasing -fno-common $(UNIT_VARIANT) \
               $(WARNINGS) -Wno-frame-larger-than \
               -I arch/fake/include -I xen-lite/include -I xen-lite -I . -I tests/unit

$(UNIT_DIR)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(UNIT_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(UNIT_CFLAGS)' >$@

$(UNIT_DIR)/lib/%.o: %.c $(UNIT_DIR)/flags
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(CC) $(UNIT_CFLAGS) $(WARN_FATAL) -MMD -MP -c $< -o $@

$(UNIT_DIR)/%.o: tests/unit/%.c $(UNIT_DIR)/flags
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes $(WARN_FATAL) -MMD -MP -c $< -o $@

$(UNIT_LIB): $(UNIT_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $(UNIT_OBJ)

# The other .c files of a test's folder belong to every test in it.
unit_helpers = $(patsubst tests/unit/%.c,$(UNIT_DIR)/%.o,$(filter-out tests/unit/$(1)/test_%,$(wildcard tests/unit/$(1)/*.c)))
define UNIT_RULE
$(1): $(1).o $(call unit_helpers,$(notdir $(patsubst %/,%,$(dir $(1))))) $(UNIT_LIB)
	$$(call say,HOSTLD,$$@)
	$$(Q)$$(CC) $(UNIT_VARIANT) -o $$@ $$(filter %.o,$$^) $(UNIT_LIB) -lcmocka
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_RULE,$(test))))

.PHONY: unit-binaries
unit-binaries: $(UNIT_LIB) $(UNIT_TESTS)

.PHONY: test-unit
test-unit: unit-binaries ## Unit tests with address and undefined-behaviour sanitizers (TEST=name: only these)
	$(Q)$(PYTHON) tests/unit/run_tests.py --name unit \
	  $(foreach test,$(UNIT_TESTS),$(if $(or $(if $(TEST),,all),$(findstring $(TEST),$(test))),$(test)))

COVERAGE_LINES    ?= 98
COVERAGE_BRANCHES ?= 95

# Branches that are not counted, since no test on one processor may or can take them (docs/testing.md):
#   BUG_ON            our own mistakes: that nothing reaches them is what the tests are for
#   ..._swap(, compare_exchange   a word that another processor changed between its reading and this writing
# Not counted at all: common/start.c, a row of calls that never returns, of which gcov counts nothing; every system test runs it.
COVERAGE_APART := .*(BUG_ON|frame_swap|compare_exchange)\(.*

.PHONY: coverage
coverage: ## Line and branch coverage of common, hypercalls and arch/x86/paging by the unit tests and the fuzzers' corpora
	$(Q)$(MAKE) --no-print-directory UNIT_DIR=$(B)/coverage UNIT_VARIANT='-O0 --coverage -DUNIT_SHORT=1' unit-coverage

.PHONY: unit-coverage
unit-coverage: unit-binaries $(FUZZ_COVERING:%=$(B)/coverage/replay-%)
	$(Q)find $(UNIT_DIR) -name '*.gcda' -delete
	$(Q)$(PYTHON) tests/unit/run_tests.py --name 'run for coverage' --quiet $(UNIT_TESTS) || true
	$(Q)XL_FAKE_OPTIONS='guest_loglvl=all' $(PYTHON) tests/unit/run_tests.py --name 'run with the guest log on' --quiet \
	  $(filter-out %/test_printk $(UNIT_DIR)/mmu_random/%,$(UNIT_TESTS)) || true
	$(Q)+$(MAKE) --no-print-directory fuzz-cover
	$(Q)gcovr --root . --filter common/ --filter hypercalls/ --filter arch/x86/paging/ --exclude common/start.c \
	  --exclude-unreachable-branches --gcov-ignore-parse-errors \
	  --exclude-branches-by-pattern '$(COVERAGE_APART)' --fail-under-line $(COVERAGE_LINES) \
	  --fail-under-branch $(COVERAGE_BRANCHES) --print-summary --json $(UNIT_DIR)/coverage.json --txt $(UNIT_DIR)/summary \
	  $(UNIT_DIR) >$(UNIT_DIR)/figures; \
	status=$$?; $(PYTHON) -B tests/unit/uncovered.py $(UNIT_DIR)/coverage.json; cat $(UNIT_DIR)/figures; \
	sed -n 's/^lines: \([0-9.]*\)%.*/figure line_coverage \1/p; s/^branches: \([0-9.]*\)%.*/figure branch_coverage \1/p' \
	  $(UNIT_DIR)/figures; \
	if [ $$status -eq 0 ]; then echo 'coverage: 1 passed, 0 failed'; else echo 'coverage: 0 passed, 1 failed'; exit 1; fi

-include $(UNIT_OBJ:.o=.d) $(wildcard $(UNIT_DIR)/*/*.d)
