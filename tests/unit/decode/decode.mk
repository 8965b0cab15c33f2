# SPDX-License-Identifier: MIT
# Tests of the instruction decoder and executor: a table, a comparison with Zydis, a comparison with this processor.
# Needs libcmocka-dev and libzydis-dev. Also works alone, from the root of the tree:
#   make -f tests/unit/decode/decode.mk test-decode [ROUNDS=n] [SEED=n]

DECODE_DIR    := build/unit/decode
DECODE_CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Wconversion -Wshadow \
                 -fsanitize=address,undefined -fno-sanitize-recover=all -I .
DECODE_UNDER  := arch/x86/emulate/decode.c arch/x86/emulate/execute.c
DECODE_HELP   := tests/unit/decode/random_insn.c
DECODE_TESTS  := $(patsubst tests/unit/decode/%.c,$(DECODE_DIR)/%,$(sort $(wildcard tests/unit/decode/test_*.c)))

$(DECODE_DIR)/test_%: tests/unit/decode/test_%.c $(DECODE_HELP) $(DECODE_UNDER) \
                      $(wildcard arch/x86/emulate/*.h tests/unit/decode/*.h) tests/unit/decode/decode.mk
	@mkdir -p $(@D)
	$(CC) $(DECODE_CFLAGS) -o $@ $(filter %.c,$^) -lcmocka -lZydis

.PHONY: test-decode
test-decode: $(DECODE_TESTS) ## Test the instruction decoder against Zydis and this processor (ROUNDS=n SEED=n)
	@SEED=$(SEED) ROUNDS=$(ROUNDS) $(or $(PYTHON),python3) tests/unit/run_tests.py --name decode $(DECODE_TESTS)
