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

# ---- fuzzing (mk/fuzz.mk): the corpora once more; in the long form half an hour of new programs
ASSURANCE_PARTS += fuzz
assurance-programs: fuzz-programs
.PHONY: assurance-fuzz
assurance-fuzz:
	$(Q)$(MAKE) --no-print-directory $(if $(XL_LONG),fuzz TARGET=hypercalls SECONDS=1800,fuzz-replay)

# ---- the table; last, since it needs all names
.PHONY: assurance
assurance: assurance-programs ## Evidence: every part that tries to break the engine, and one table (LONG=1: for hours)
	$(Q)$(PYTHON) -B tests/assurance/run.py $(if $(XL_LONG),--long) --build $(B) '$(MAKE)' $(ASSURANCE_PARTS)

#= LONG=1            assurance: the long form
