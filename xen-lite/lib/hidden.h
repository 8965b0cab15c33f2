/* SPDX-License-Identifier: MIT */
/*
 * Included before every file of the hypervisor by the compiler's command line: what is declared here or elsewhere stands
 * in this one image, so its address is taken straight, never through a table that a dynamic linker would fill.
 */
#pragma GCC visibility push(hidden)
