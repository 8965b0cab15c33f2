# SPDX-License-Identifier: MIT
#
# Images and machines: the ISO, and the ways to run, debug, measure and compare it.
# GUEST, MODE, MEM, SMP, CPU, ACCEL choose what runs and where.

MODE  ?= direct
MEM   ?= 256
SMP   ?= 1
ACCEL ?= tcg
ARGS  ?=

RUN      := $(PYTHON) tools/run --memory $(MEM) --smp $(SMP) --accel $(ACCEL) $(if $(CPU),--cpu $(CPU)) \
            $(if $(filter-out 0,$(V)),--verbose)
MKIMAGE  := $(PYTHON) tools/mkimage $(if $(filter-out 0,$(V)),--verbose)
XL       ?= console=com1,vga

quote = '$(subst ','\'',$(1))'
RUN_DOMAIN = $(B)/guests/$(GUEST):name=$(GUEST) memory=32 paging=$(MODE)$(if $(ARGS), -- $(ARGS))

# With GUEST= an image is made for it alone; without, the menu of grub.cfg with its demonstration.
RUN_ISO  := $(if $(GUEST),$(B)/run.iso,$(B)/xen-lite.iso)

.PHONY: iso
iso: $(B)/xen-lite.iso ## Make build/xen-lite.iso, which boots on BIOS and on UEFI

$(B)/xen-lite.iso: $(B)/xen-lite $(GUESTS) grub.cfg tools/mkimage
	$(call say,ISO,$@)
	$(Q)$(MKIMAGE) -o $@ --hypervisor $< --grub-cfg grub.cfg $(GUESTS)

$(B)/run.iso: $(B)/xen-lite $(GUESTS) FORCE
	$(call say,ISO,$@)
	$(if $(filter $(GUEST),$(GUEST_NAMES)),,$(error no guest is named '$(GUEST)'; there are: $(GUEST_NAMES)))
	$(Q)$(MKIMAGE) -o $@ --hypervisor $< --xl $(call quote,$(XL)) --domain $(call quote,$(RUN_DOMAIN))

.PHONY: run
run: $(RUN_ISO) ## Run in QEMU with a BIOS; ends when all guests have shut down
	$(Q)$(RUN) --input $<

.PHONY: run-uefi
run-uefi: $(RUN_ISO) ## Run the same image in QEMU with UEFI firmware
	$(Q)$(RUN) --input --machine qemu-uefi $<

.PHONY: run-bochs
run-bochs: $(RUN_ISO) ## Run the same image in Bochs
	$(Q)$(RUN) --machine bochs $<

.PHONY: debug
debug: $(RUN_ISO) ## Run in QEMU stopped at its first instruction, with gdb and symbols attached
	$(Q)MEM='$(MEM)' SMP='$(SMP)' CPU='$(CPU)' tools/debug $< $(HV_DIR)/xen-lite.elf $(if $(GUEST),$(B)/guests/$(GUEST))

.PHONY: doctor
doctor: ## Say what this machine has, and what will therefore run
	$(Q)$(PYTHON) tools/doctor

$(B)/bench.iso: $(B)/xen-lite $(GUESTS)
	$(call say,ISO,$@)
	$(Q)$(MKIMAGE) -o $@ --hypervisor $< --xl 'console=com1 debug-exit=0xf4' \
	  --domain '$(B)/guests/bench:name=bench memory=64 paging=$(MODE)'

.PHONY: bench
bench: $(B)/bench.iso ## Count instructions per operation and compare with Xen 4.17 (BENCH=--csv for a table to keep)
	$(Q)$(PYTHON) tools/bench $(BENCH) $<

.PHONY: test-bench
test-bench: $(B)/bench.iso ## The same counts as a test: no row above Xen's, the mean at most 0.5, that of memory 0.45
	$(Q)$(PYTHON) tools/bench --aim 0.5 --aim-memory 0.45 $< && \
	  echo 'bench: 1 passed, 0 failed' || { echo 'bench: 0 passed, 1 failed'; exit 1; }

.PHONY: oracle
oracle: $(GUESTS) $(B)/xen-lite ## Run GUEST= on xen-lite and on Debian's Xen, and show the difference
	$(Q)$(PYTHON) tools/oracle $(or $(GUEST),page_tables)

.PHONY: oracle-advisories
oracle-advisories: $(GUESTS) $(B)/xen-lite ## The guests of all advisories on both; differences against docs/assurance.md
	$(Q)$(PYTHON) tools/oracle-advisories
