# SPDX-License-Identifier: MIT
#
# Fuzzing on the host with libFuzzer (clang): tests/fuzz/TARGET.c becomes build/fuzz/fuzz-TARGET. The hypervisor's sources are
# the unit tests' (mk/unit.mk), compiled once more with clang's sanitizers and counters of edges.

FUZZ_TARGETS := hypercalls elf config decode multiboot2 acpi
FUZZ_PARTS   := machine calls
FUZZ_SECONDS := $(or $(SECONDS),60)

# clang links its sanitizers in, where they must find the C library's sched_yield().
FUZZ_VARIANT := -Dsched_yield=xl_sched_yield -O1 -fno-omit-frame-pointer \
                -fsanitize=fuzzer-no-link -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_MAKE    := $(MAKE) --no-print-directory CC=clang UNIT_DIR=$(B)/fuzz 'UNIT_VARIANT=$(FUZZ_VARIANT)'
FUZZ_RUN     := $(PYTHON) -B tests/fuzz/run.py --build $(B)/fuzz

.PHONY: fuzz-replay
fuzz-replay: fuzz-programs ## Run the fuzzers' corpora (tests/fuzz/corpus), each input twice (TARGET="hypercalls ...")
	$(Q)$(FUZZ_RUN) replay $(or $(TARGET),$(FUZZ_TARGETS))

.PHONY: fuzz
fuzz: fuzz-programs ## Fuzz for a time, keep what crashes (TARGET=hypercalls SECONDS=3600)
	$(Q)$(FUZZ_RUN) fuzz --seconds $(FUZZ_SECONDS) $(or $(TARGET),$(FUZZ_TARGETS))

.PHONY: fuzz-merge
fuzz-merge: fuzz-programs ## Take what the runs of `make fuzz` found into the corpus, minimised (TARGET=hypercalls)
	$(Q)$(FUZZ_RUN) merge $(or $(TARGET),$(FUZZ_TARGETS))

.PHONY: fuzz-programs
fuzz-programs:
	$(Q)+$(FUZZ_MAKE) fuzz-link

.PHONY: fuzz-link
fuzz-link: $(FUZZ_TARGETS:%=$(UNIT_DIR)/fuzz-%)

$(UNIT_DIR)/fuzz/%.o: tests/fuzz/%.c $(UNIT_DIR)/flags
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(CC) $(UNIT_CFLAGS) $(WARN_FATAL) -MMD -MP -c $< -o $@

# What only looks on is not to be explored: no counters, and the programs run three times as fast.
$(UNIT_DIR)/lib/arch/x86/paging/audit.o $(UNIT_DIR)/lib/arch/fake/%.o $(UNIT_DIR)/mmu_random/oracle.o \
  $(FUZZ_PARTS:%=$(UNIT_DIR)/fuzz/%.o): private UNIT_CFLAGS := $(filter-out -fsanitize=fuzzer-no-link,$(UNIT_CFLAGS))
# What is compared with what helps to find words and magic numbers; elsewhere it costs half of the time.
FUZZ_TEXTS := $(wildcard common/elf*.c common/cmdline.c common/domain_config.c xen-lite/lib/*.c arch/x86/emulate/*.c)
$(filter-out $(FUZZ_TEXTS:%.c=$(UNIT_DIR)/lib/%.o),$(UNIT_OBJ)): \
  private UNIT_CFLAGS += $(if $(findstring fuzzer,$(UNIT_VARIANT)),-fno-sanitize-coverage=trace-cmp)

$(UNIT_DIR)/fuzz-hypercalls $(UNIT_DIR)/replay-hypercalls: $(FUZZ_PARTS:%=$(UNIT_DIR)/fuzz/%.o) $(UNIT_DIR)/mmu_random/oracle.o
$(FUZZ_TARGETS:%=$(UNIT_DIR)/fuzz-%): $(UNIT_DIR)/fuzz-%: $(UNIT_DIR)/fuzz/%.o $(UNIT_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(UNIT_VARIANT) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(UNIT_LIB) -lcmocka

# The same without libFuzzer, for `make coverage`: a corpus reaches what nobody thought of.
FUZZ_COVERING := hypercalls elf config
$(FUZZ_TARGETS:%=$(UNIT_DIR)/replay-%): $(UNIT_DIR)/replay-%: $(UNIT_DIR)/fuzz/%.o $(UNIT_DIR)/fuzz/replay.o $(UNIT_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(UNIT_VARIANT) -o $@ $(filter %.o,$^) $(UNIT_LIB) -lcmocka

.PHONY: fuzz-cover
fuzz-cover: $(FUZZ_COVERING:%=$(UNIT_DIR)/replay-%)
	$(Q)for t in $(FUZZ_COVERING); do \
	  mkdir -p $(UNIT_DIR)/corpus/$$t && tar -xf tests/fuzz/corpus/$$t.tar -C $(UNIT_DIR)/corpus/$$t && \
	  $(UNIT_DIR)/replay-$$t $(UNIT_DIR)/corpus/$$t/* >/dev/null || exit 1; done

-include $(wildcard $(UNIT_DIR)/fuzz/*.d)

#= TARGET=name SECONDS=n  fuzz: what (default all) and for how long
