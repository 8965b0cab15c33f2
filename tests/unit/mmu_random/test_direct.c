/* SPDX-License-Identifier: MIT */
/* Random operations (random.h) on direct tables. */
#include "tests/unit/mmu_random/random.h"

static void two_domains_with_direct_tables(void **state)
{
    (void)state;
    random_run(PAGING_DIRECT, PAGING_DIRECT, RANDOM_STEPS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_domains_with_direct_tables)};
    return cmocka_run_group_tests_name("mmu_random direct", tests, NULL, NULL);
}
