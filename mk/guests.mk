# SPDX-License-Identifier: MIT
# Builds the guests: every folder of pvguest/programs and tests/guests becomes build/guests/NAME. Included by the
# Makefile, and works alone: make -f mk/guests.mk guests. Defines GUESTS (the ELFs) and the targets guests, new-guest.

GUEST_BUILD   ?= build/guests
GUEST_CC      ?= $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
GUEST_LD      ?= ld
GUEST_NASM    ?= nasm

# Our ABI headers, or Debian's while ours are not complete: set GUEST_XEN_INCLUDE=/usr/include to try the other.
GUEST_XEN_INCLUDE ?= xen-lite/include

GUEST_FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard pvguest/programs/*/main.c tests/guests/*/main.c))))
GUEST_NAMES   := $(notdir $(GUEST_FOLDERS))
GUESTS        := $(GUEST_NAMES:%=$(GUEST_BUILD)/%)

# Guests that use nothing of ours: no SDK, no include path into this project, Debian's libxen-dev headers alone.
GUESTS_ALONE  := libxen_hello

# docs/guest-sdk.md explains each flag. The compiler's own headers are the only ones besides the guest interface.
GUEST_BASE_CFLAGS = -std=gnu11 -O2 -g -ffreestanding -fno-builtin -nostdinc \
    -isystem $(shell $(GUEST_CC) -print-file-name=include) \
    -mgeneral-regs-only -mno-red-zone -mcmodel=kernel -fno-pic -fno-pie -fno-stack-protector -fno-strict-aliasing \
    -fno-common -fno-asynchronous-unwind-tables -fcf-protection=none
GUEST_WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
    -Wpointer-arith -Wwrite-strings $(if $(filter-out 0,$(WERROR)),-Werror)
GUEST_ABI      = -D__XEN_INTERFACE_VERSION__=0x00040e00
GUEST_CFLAGS   = $(GUEST_BASE_CFLAGS) $(GUEST_WARNINGS) $(GUEST_ABI) -Ipvguest/include -Itests/guests/common \
    -isystem $(GUEST_XEN_INCLUDE)
GUEST_LDS      = pvguest/entry/guest.lds
GUEST_LDFLAGS  = -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none -T $(GUEST_LDS)

GUEST_LIB_SOURCES := $(wildcard pvguest/lib/*.c)
GUEST_LIB_OBJECTS := $(GUEST_LIB_SOURCES:%.c=$(GUEST_BUILD)/obj/%.o) $(GUEST_BUILD)/obj/pvguest/entry/pv64.o

# What guest tests share; an archive, so that each takes only what it uses.
GUEST_COMMON_OBJECTS := $(patsubst %.c,$(GUEST_BUILD)/obj/%.o,$(wildcard tests/guests/common/*.c))
GUEST_COMMON         := $(GUEST_BUILD)/obj/tests/guests/common.a

ifeq ($(V),1)
GUEST_SAY = @:
GUEST_DO  =
else
GUEST_SAY = @printf '  %-9s%s\n'
GUEST_DO  = @
endif

.PHONY: guests
guests: $(GUESTS) ## build every guest (pvguest/programs and tests/guests)

# Another compiler or other flags: everything anew.
.PHONY: guest-flags
$(GUEST_BUILD)/obj/flags: guest-flags
	@mkdir -p $(@D)
	@echo '$(GUEST_CC) $(GUEST_CFLAGS)' | cmp -s - $@ || echo '$(GUEST_CC) $(GUEST_CFLAGS)' >$@

$(GUEST_BUILD)/obj/%.o: %.c mk/guests.mk $(GUEST_BUILD)/obj/flags
	$(GUEST_SAY) GUEST-CC $<
	@mkdir -p $(@D)
	$(GUEST_DO)$(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(GUEST_BUILD)/obj/%.o: %.asm mk/guests.mk
	$(GUEST_SAY) NASM $<
	@mkdir -p $(@D)
	$(GUEST_DO)$(GUEST_NASM) -f elf64 -g -F dwarf -Wall -Werror -MD $(@:.o=.d) -MP -I $(<D)/ -o $@ $<

# Objects of one folder, which may hold several .c and .asm files.
guest_objects = $(patsubst %,$(GUEST_BUILD)/obj/%.o,$(basename $(wildcard $(1)/*.c $(1)/*.asm)))

# What else a guest is linked from: the SDK, or nothing but its own linker script.
guest_rest = $(if $(filter $(GUESTS_ALONE),$(notdir $(1))),$(1)/guest.lds,\
    $(if $(filter tests/guests/%,$(1)),$(GUEST_COMMON)) $(GUEST_LIB_OBJECTS) $(GUEST_LDS))

$(GUEST_COMMON): $(GUEST_COMMON_OBJECTS)
	$(GUEST_SAY) GUEST-AR $@
	$(GUEST_DO)rm -f $@ && ar rcs $@ $^

define GUEST_RULE
$(GUEST_BUILD)/$(notdir $(1)): $(call guest_objects,$(1)) $(call guest_rest,$(1))
	$$(GUEST_SAY) GUEST $$@
	@mkdir -p $$(@D)
	$$(GUEST_DO)$(GUEST_LD) $$(GUEST_LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^)
endef
$(foreach folder,$(GUEST_FOLDERS),$(eval $(call GUEST_RULE,$(folder))))

# The guests that stand alone see Debian's headers and nothing of this project.
GUESTS_ALONE_FILES := $(foreach name,$(GUESTS_ALONE),$(GUEST_BUILD)/$(name) $(call guest_objects,pvguest/programs/$(name)))
$(GUESTS_ALONE_FILES): GUEST_CFLAGS = $(GUEST_BASE_CFLAGS) $(GUEST_WARNINGS) $(GUEST_ABI) -isystem /usr/include
$(foreach name,$(GUESTS_ALONE),$(eval $(GUEST_BUILD)/$(name): GUEST_LDS = pvguest/programs/$(name)/guest.lds))

.PHONY: new-guest
new-guest: ## make a guest from the template: make new-guest NAME=x
	@pvguest/new-guest "$(NAME)"

-include $(GUEST_LIB_OBJECTS:.o=.d) $(GUEST_COMMON_OBJECTS:.o=.d) \
    $(foreach folder,$(GUEST_FOLDERS),$(patsubst %.o,%.d,$(call guest_objects,$(folder))))
