/* SPDX-License-Identifier: MIT */
/* Random operations (random.h) on rewritten tables, and by one domain of each mode. */
#include "tests/unit/mmu_random/random.h"

static void two_domains_with_rewritten_tables(void **state)
{
    (void)state;
    random_run(PAGING_REWRITE, PAGING_REWRITE, RANDOM_STEPS * 3 / 10);
}
static void one_domain_of_each_mode(void **state)
{
    (void)state;
    random_run(PAGING_DIRECT, PAGING_REWRITE, RANDOM_STEPS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_domains_with_rewritten_tables),
        cmocka_unit_test(one_domain_of_each_mode),
    };
    return cmocka_run_group_tests_name("mmu_random rewrite", tests, NULL, NULL);
}
