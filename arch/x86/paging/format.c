/* SPDX-License-Identifier: MIT */
/* The formats, one row each. The walker (walk.h) reads nothing else. */
#include "arch/x86/paging/format.h"

const struct pt_format pt_format_x86_64 = {
    .name = "x86-64",
    .present = PTE_PRESENT,
    .writable = PTE_RW,
    .user = PTE_USER,
    .no_exec = PTE_NX,
    .large = PTE_PSE,
    .address = PTE_ADDR,
};

const struct pt_format pt_format_npt = {
    .name = "NPT",
    .present = PTE_PRESENT,
    .writable = PTE_RW,
    .user = PTE_USER,
    .no_exec = PTE_NX,
    .large = PTE_PSE,
    .address = PTE_ADDR,
};

const struct pt_format pt_format_ept = {
    .name = "EPT",
    .present = 7,
    .writable = 2,
    .exec = 4,
    .large = PTE_PSE,
    .address = PTE_ADDR,
};

_Static_assert(PT_ENTRIES * sizeof(u64) <= PAGE_SIZE, "a table fits its page");
