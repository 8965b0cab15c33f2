# SPDX-License-Identifier: MIT
#
# One memory access at a time: two processors (interleave), interruption and failure everywhere (sweep). The sources are
# compiled with the calls that the compiler offers for finding data races; tests/assurance/step answers them. Small tables.

comma := ,
STEP_DIR := $(B)/step
STEP_CFLAGS := $(filter-out $(UNIT_VARIANT),$(UNIT_CFLAGS)) -O2 -fno-pie -fno-builtin \
               -DPT_ENTRIES=4u -DHYPERVISOR_FIRST_SLOT=3 -DHYPERVISOR_LAST_SLOT=3 -DDESCRIPTORS_PER_PAGE=4
STEP_INSTRUMENT := -fsanitize=thread \
  $(if $(is_clang),-mllvm -tsan-instrument-func-entry-exit=0,--param=tsan-instrument-func-entry-exit=0)
STEP_WRAP := $(patsubst %,-Wl$(comma)--wrap=%,memcpy memmove memset fake_cpu_relax)
SWEEP_WRAP := $(patsubst %,-Wl$(comma)--wrap=%,\
  frame_alloc_host frame_alloc_host_run copy_to_guest copy_from_guest copy_from_guest_partial)
# Those whose accesses are the fake machine's own and no processor's.
STEP_PLAIN := $(filter-out arch/fake/clock.c,$(wildcard arch/fake/*.c)) tests/unit/mmu_random/oracle.c \
              $(wildcard tests/assurance/step/*.c) tests/assurance/interleave/cpus.c tests/assurance/interleave/serial.c
SWEEP_PLAIN := tests/assurance/sweep/sweep.c tests/assurance/sweep/failures.c
STEP_SRC := $(UNIT_SRC) $(filter-out $(UNIT_SRC),$(STEP_PLAIN))
STEP_OBJ := $(STEP_SRC:%.c=$(STEP_DIR)/%.o)
SWEEP_OBJ := $(SWEEP_PLAIN:%.c=$(STEP_DIR)/%.o)
INTERLEAVE_OBJ := $(STEP_DIR)/tests/assurance/interleave/interleave.o

$(STEP_DIR)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(STEP_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(STEP_CFLAGS)' >$@

$(STEP_DIR)/%.o: %.c $(STEP_DIR)/flags
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(CC) $(STEP_CFLAGS) $(if $(filter $<,$(STEP_PLAIN)),,$(STEP_INSTRUMENT)) $(WARN_FATAL) -MMD -MP -c $< -o $@

$(INTERLEAVE_OBJ) $(SWEEP_OBJ): STEP_INSTRUMENT :=

$(STEP_DIR)/interleave: $(INTERLEAVE_OBJ) $(STEP_OBJ)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) -no-pie $(STEP_WRAP) -o $@ $^ -lcmocka

$(STEP_DIR)/sweep: $(SWEEP_OBJ) $(STEP_OBJ)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) -no-pie $(STEP_WRAP) $(SWEEP_WRAP) -o $@ $^ -lcmocka

# The making of domains: tables of their true size, sanitizers.
BUILDER_OBJ := $(addprefix $(UNIT_DIR)/lib/tests/,assurance/sweep/builder.o assurance/sweep/failures.o unit/builder/image.o)
$(STEP_DIR)/builder: $(BUILDER_OBJ) $(UNIT_LIB)
	@mkdir -p $(@D)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(UNIT_VARIANT) $(SWEEP_WRAP) -o $@ $^ -lcmocka

-include $(BUILDER_OBJ:.o=.d) $(STEP_OBJ:.o=.d) $(SWEEP_OBJ:.o=.d) $(INTERLEAVE_OBJ:.o=.d)

assurance-programs: $(STEP_DIR)/interleave $(STEP_DIR)/sweep $(STEP_DIR)/builder
ASSURANCE_PARTS += interleave sweep

.PHONY: assurance-interleave interleave
interleave: assurance-interleave ## Two processors: all pairs of memory operations, in all schedules with few preemptions
assurance-interleave: $(STEP_DIR)/interleave
	$(Q)$<

.PHONY: assurance-sweep sweep
sweep: assurance-sweep ## Each memory operation interrupted, and each allocation and copy failing, at every point
assurance-sweep: $(STEP_DIR)/sweep $(STEP_DIR)/builder
	$(Q)$(STEP_DIR)/sweep && $(STEP_DIR)/builder
