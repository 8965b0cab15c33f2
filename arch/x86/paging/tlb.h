/* SPDX-License-Identifier: MIT */
/*
 * Flushing. Guest translations are never global, so a load of CR3 drops all of them, with the cached upper levels;
 * the hypervisor's own are global and never change once guests run.
 * The rule (reference: an XSA each, 286, 401, 408): the flush comes after the new type was taken and is decided by the
 * old one. No time stamps: every change of type flushes.
 */
#ifndef XL_X86_PAGING_TLB_H
#define XL_X86_PAGING_TLB_H

#include "arch/x86/cpu/insn.h"
#include "arch/x86/cpu/percpu.h"

/* This cpu's guest translations. */
static inline void tlb_flush_local(void)
{
    this_cpu()->tlb_flushes++;
    insn_write_cr3(insn_read_cr3());
}
/* Guest translations on every cpu that may hold one. */
static inline void tlb_flush_all(void)
{
    tlb_flush_local();
    flush_other_cpus();
}
static inline void tlb_flush_page_local(u64 address)
{
    insn_invlpg(address);
}

#endif
