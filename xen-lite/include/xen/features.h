/* SPDX-License-Identifier: MIT */
/*
 * Feature bits: what XENVER_get_features answers and what a guest's ELF notes ask for.
 */
#ifndef XL_ABI_FEATURES_H
#define XL_ABI_FEATURES_H

#define XENFEAT_writable_page_tables       0 /* tables need not be read-only to the guest */
#define XENFEAT_writable_descriptor_tables 1 /* likewise GDT and LDT */
#define XENFEAT_auto_translated_physmap    2 /* frame numbers are pseudo-physical everywhere */
#define XENFEAT_supervisor_mode_kernel     3 /* the guest kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb        4 /* 32-bit: roots may lie anywhere */
#define XENFEAT_mmu_pt_update_preserve_ad  5 /* MMU_PT_UPDATE_PRESERVE_AD works */
#define XENFEAT_highmem_assist             6 /* 32-bit: MMUEXT_CLEAR_PAGE and COPY_PAGE */
#define XENFEAT_gnttab_map_avail_bits      7 /* the available bits of a grant mapping's entry can be given */
#define XENFEAT_hvm_callback_vector        8
#define XENFEAT_hvm_safe_pvclock           9
#define XENFEAT_hvm_pirqs                  10
#define XENFEAT_dom0                       11 /* works as the initial domain, or is one */
#define XENFEAT_memory_op_vnode_supported  13
#define XENFEAT_ARM_SMCCC_supported        14
#define XENFEAT_linux_rsdp_unrestricted    15
#define XENFEAT_not_direct_mapped          16
#define XENFEAT_direct_mapped              17

#define XENFEAT_NR_SUBMAPS 1 /* words of 32 bits */

#endif
