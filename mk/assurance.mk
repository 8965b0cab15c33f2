# SPDX-License-Identifier: MIT
#
# Evidence: what tries to break the engine, and the one table of what it found. Each part has a target `assurance-NAME` that
# ends in lines "figure NAME VALUE" and fails on a breach, and adds itself to ASSURANCE_PARTS; what it has to build
# becomes a prerequisite of assurance-programs, since parts run side by side afterwards. XL_LONG=1 chooses the long form.

LONG ?= 0
ASSURANCE_PARTS :=

export XL_LONG := $(if $(filter-out 0,$(LONG)),1,$(XL_LONG))

.PHONY: assurance-programs
assurance-programs:

# ---- line and branch coverage: the target of mk/unit.mk says its figures
ASSURANCE_PARTS += coverage
.PHONY: assurance-coverage
assurance-coverage: coverage

# ---- mutants: a planted fault for each published advisory, and faults that a program makes; the tests must find them
ASSURANCE_PARTS += mutants
.PHONY: assurance-mutants
assurance-mutants: ## Plant faults in copies of the sources, and have the tests find them (LONG=1: all of them)
	$(Q)$(PYTHON) -B tests/assurance/mutants/seeded.py $(if $(XL_LONG),,--ci --work 1)
	$(if $(XL_LONG),$(Q)$(PYTHON) -B tests/assurance/mutants/automatic.py $(MUTANTS))

# ---- fuzzing (mk/fuzz.mk): the corpora once more; in the long form half an hour of new programs
ASSURANCE_PARTS += fuzz
assurance-programs: fuzz-programs
.PHONY: assurance-fuzz
assurance-fuzz:
	$(Q)$(MAKE) --no-print-directory $(if $(XL_LONG),fuzz TARGET=hypercalls SECONDS=1800,fuzz-replay)

# ---- exploration: one program for each geometry of tables, named eENTRIESlLEVELS, of the same sources as the unit tests
EXPLORE_SRC := $(sort $(wildcard tests/assurance/explore/*.c))
EXPLORE_OBJ := $(EXPLORE_SRC:%.c=$(UNIT_DIR)/lib/%.o)
$(UNIT_DIR)/explore: $(EXPLORE_OBJ) $(UNIT_LIB)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(UNIT_VARIANT) -o $@ $(EXPLORE_OBJ) $(UNIT_LIB) -lcmocka
-include $(EXPLORE_OBJ:.o=.d)

EXPLORE_VARIANT ?= -O2
explore_flags = -DPT_ENTRIES=$(1)u -DPT_LEVELS=$(2)u -DHYPERVISOR_FIRST_SLOT=$(3) -DHYPERVISOR_LAST_SLOT=$(4) \
                -DFRAME_REF_BITS=$(5) -DDESCRIPTORS_PER_PAGE=$(1)
# name: entries, levels, first and last slot of the hypervisor (none: behind the last entry), bits of counts
EXPLORE_e1l2 := $(call explore_flags,1,2,1,1,4)
EXPLORE_e1l3 := $(call explore_flags,1,3,1,1,4)
EXPLORE_e1l4 := $(call explore_flags,1,4,1,1,4)
EXPLORE_e2l2 := $(call explore_flags,2,2,2,2,4)
EXPLORE_e2l2h := $(call explore_flags,2,2,1,1,3)
EXPLORE_e2l3 := $(call explore_flags,2,3,2,2,4)
EXPLORE_e4l2 := $(call explore_flags,4,2,4,4,3)
EXPLORE_GEOMETRIES := e1l2 e1l3 e1l4 e2l2 e2l2h e2l3 e4l2

.PHONY: $(EXPLORE_GEOMETRIES:%=explore-%) explore-programs explore assurance-explore
$(EXPLORE_GEOMETRIES:%=explore-%): explore-%:
	$(Q)$(MAKE) --no-print-directory UNIT_DIR=$(B)/explore/$* UNIT_VARIANT='$(EXPLORE_VARIANT) $(EXPLORE_$*)' $(B)/explore/$*/explore
explore-programs: $(EXPLORE_GEOMETRIES:%=explore-%)

ASSURANCE_PARTS += explore
assurance-programs: explore-programs
assurance-explore: explore
EXPLORE_FORM ?= $(if $(XL_LONG),long,short)
explore: explore-programs ## Every operation in every state of small worlds, breadth first (LONG=1, EXPLORE_FORM=quick)
	$(Q)$(PYTHON) -B tests/assurance/explore/run.py --form $(EXPLORE_FORM) --programs $(B)/explore --only '$(TEST)'

# ---- guests: those that try what advisories describe, and those that churn, on the whole machine
ASSURANCE_PARTS += system
.PHONY: assurance-system
assurance-system:
	$(Q)$(MAKE) --no-print-directory test-system TEST='xsa_ or churn or keys'

# ---- two processors (interleave); interruption and failure everywhere (sweep)
include tests/assurance/step/step.mk

# ---- the table; last, since it needs all names
.PHONY: assurance
assurance: assurance-programs $(B)/xen-lite $(GUESTS) ## What tries to break the engine, in one table (LONG=1: for hours)
	$(Q)$(PYTHON) -B tests/assurance/run.py $(if $(XL_LONG),--long) --build $(B) '$(MAKE)' $(ASSURANCE_PARTS)

#= LONG=1            assurance: the long form
#= MUTANTS=options   assurance-mutants LONG=1: e.g. '--sample 300 --seed 7', '--files types.c'
