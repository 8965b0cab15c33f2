/* SPDX-License-Identifier: MIT */
/*
 * What must be true of a world, and of a step from one to the next. Worked out from images alone, by the rules of
 * docs/memory.md and none of the engine's code. Each answers NULL, or what is wrong in a sentence.
 */
#ifndef XL_EXPLORE_ORACLE_H
#define XL_EXPLORE_ORACLE_H

#include "tests/assurance/explore/ops.h"

/* References and types recounted, what tables and caches lead to, pseudo-physical numbers. */
const char *oracle_world(const struct image *image);
/*
 * The step did what it answers and nothing else: nothing of the other domain, nothing at all where it was refused. Looks at
 * the pages of frames, too: they are as the step left them.
 */
const char *oracle_step(const struct image *before, const struct op *op, long rc, const struct image *after);
/* What the call must answer (answer.c); false: work is left on tables, and the answer depends on when it is done. */
bool oracle_answer(const struct image *before, const struct op *op, long *expected);
/* After it: would any frame then have all the references that it can? There a refusal is right too. */
bool oracle_at_the_limit(void);

#endif
