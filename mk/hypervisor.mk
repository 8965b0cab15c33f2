# SPDX-License-Identifier: MIT
#
# The hypervisor: build/xen-lite, the ELF file that GRUB loads, with its symbols.
# Sources are found by folder. gcc and clang keep their objects apart, so that both can stand side by side.

HV_DIR := $(B)/$(if $(is_clang),hv-clang,hv)

HV_OFFSETS := arch/x86/entry/offsets.c
HV_C_SRC   := $(filter-out $(HV_OFFSETS),$(sort $(wildcard \
              arch/x86/*.c arch/x86/*/*.c common/*.c hypercalls/*.c xen-lite/lib/*.c)))
HV_ASM_SRC := $(sort $(wildcard arch/x86/*.asm arch/x86/*/*.asm))
HV_ASM_INC := $(sort $(wildcard arch/x86/*.inc arch/x86/*/*.inc))
HV_LDS     := arch/x86/boot/xen-lite.lds
HV_OBJ     := $(HV_C_SRC:%.c=$(HV_DIR)/%.o) $(HV_ASM_SRC:%.asm=$(HV_DIR)/%.asm.o)

HV_INCLUDE := -I arch/x86/include -I xen-lite/include -I xen-lite -I .

# Warnings that both compilers know and that point at real faults. No variable-length arrays, no fallthrough
# unless said, no implicit narrowing; frames stay small because the stacks do.
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wundef -Wvla -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings -Wredundant-decls -Wformat=2 \
            -Wframe-larger-than=2048 -Werror=implicit-function-declaration -Werror=int-conversion
WARNINGS += $(if $(is_clang),-Wcomma -Wunreachable-code-aggressive,-Wlogical-op -Wduplicated-cond -Wtrampolines)
WARN_FATAL := $(if $(filter-out 0,$(WERROR)),-Werror)

HV_CFLAGS := -std=c11 -ffreestanding -fpie -mcmodel=small -mno-red-zone -mgeneral-regs-only -fno-strict-aliasing \
             -fno-common -include xen-lite/lib/hidden.h -fvisibility=hidden -fno-asynchronous-unwind-tables \
             -fno-unwind-tables -fno-stack-protector \
             -fcf-protection=none -O2 -g $(if $(is_clang),-fdirect-access-external-data) \
             $(WARNINGS) $(HV_INCLUDE)
HV_LDFLAGS := -static -nostdlib -z noexecstack --build-id=none -z max-page-size=4096 --fatal-warnings \
              --orphan-handling=error -T $(HV_LDS)
NASMFLAGS  := -f elf64 -g -F dwarf -w+label-orphan $(if $(filter-out 0,$(WERROR)),-Werror) -I $(B)/ -I ./ -I arch/x86/entry/

# Rewritten only when it changes, so that changed flags rebuild what they touch.
$(HV_DIR)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(HV_CFLAGS) $(HV_LDFLAGS) $(filter-out -Werror,$(NASMFLAGS))' | cmp -s - $@ || \
	 printf '%s\n' '$(CC) $(HV_CFLAGS) $(HV_LDFLAGS) $(filter-out -Werror,$(NASMFLAGS))' >$@

# With the stack protector (xen-lite/lib/stack_guard.c): what reads files, command lines and firmware tables.
HV_GUARDED := common/elf common/domain_config common/cmdline common/domain_builder arch/x86/boot/multiboot2 \
              arch/x86/dev/acpi arch/x86/pv/domain_build
# gcc only: clang 14 reaches the guard by a table that a static image does not have.
$(HV_GUARDED:%=$(HV_DIR)/%.o): HV_CFLAGS += $(if $(is_clang),,-fstack-protector-strong -mstack-protector-guard=global)

$(HV_DIR)/%.o: %.c $(HV_DIR)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(HV_CFLAGS) $(WARN_FATAL) -MMD -MP -c $< -o $@

# The included files are named here, as nasm 2.16 leaves them out of what -MD writes.
$(HV_DIR)/%.asm.o: %.asm $(HV_ASM_INC) $(B)/offsets.inc $(HV_DIR)/flags
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)nasm $(NASMFLAGS) -o $@ $<

# Structure offsets for the assembly files: offsets.c is compiled to assembly text in which each OFFSET() leaves
# a line "->NAME value"; that line becomes a %define. The file keeps its date when nothing in it changed.
$(HV_DIR)/offsets.s: $(HV_OFFSETS) $(HV_DIR)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(HV_CFLAGS) -g0 $(if $(is_clang),-fno-integrated-as) $(WARN_FATAL) -MMD -MP -MF $(@:.s=.d) -MT $@ -S $< -o $@

$(B)/offsets.inc: $(if $(wildcard $(HV_OFFSETS)),$(HV_DIR)/offsets.s)
	@mkdir -p $(@D)
	$(Q){ echo '; Made from $(HV_OFFSETS). Do not edit.'; \
	  sed -n 's/^.*->\([A-Za-z_][A-Za-z_0-9]*\) \$$\{0,1\}\(-\{0,1\}[0-9][0-9]*\).*$$/%define \1 \2/p' \
	  $(or $<,/dev/null); } >$@.new
	$(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(HV_DIR)/xen-lite.elf: $(HV_OBJ) $(HV_LDS)
	$(call say,LD,$@)
	$(Q)$(LD) $(HV_LDFLAGS) -Map=$@.map -o $@ $(HV_OBJ)

# The copy that images take: of the compiler asked for last.
$(B)/xen-lite: $(HV_DIR)/xen-lite.elf FORCE
	$(Q)cmp -s $< $@ || cp $< $@

.PHONY: hypervisor
hypervisor: $(B)/xen-lite ## Build the hypervisor alone: build/xen-lite

.PHONY: objects
objects: $(HV_OBJ) ## Compile the hypervisor without linking it

-include $(HV_OBJ:.o=.d) $(HV_DIR)/offsets.d
