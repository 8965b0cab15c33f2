/* SPDX-License-Identifier: MIT */
/*
 * Floating-point and vector state of the processor (pv/fpu.c): which parts guests may use, and how large the area is
 * that holds them. Areas are in the standard (not compacted) format, so that a part has the same place in all.
 */
#ifndef XL_X86_CPU_FPU_H
#define XL_X86_CPU_FPU_H

#include "lib/types.h"

/* XCR0, Intel SDM vol. 1 §13.1 */
#define XCR0_X87    (1ull << 0)
#define XCR0_SSE    (1ull << 1)
#define XCR0_AVX    (1ull << 2)
#define XCR0_AVX512 (7ull << 5) /* opmask, upper halves, upper registers: all or none */

/*
 * Once on each processor, before a guest runs on it: CR0.MP and NE on, EM and TS off; CR4.OSFXSR and OSXMMEXCPT, and
 * OSXSAVE where there is XSAVE; XCR0 = all that is offered. The first call decides what is offered.
 */
void fpu_cpu_init(void);
/* Bytes of an area: 512 with FXSAVE. At most a page. */
size_t fpu_area_size(void);
/* Parts that a guest may enable in XCR0; 0: no XSAVE, and FXSAVE's x87 and SSE are all there is. */
u64 fpu_xcr0_offered(void);

#endif
