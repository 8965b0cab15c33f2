/* SPDX-License-Identifier: MIT */
/* The lock: one at a time, and in the order of arrival. */
#include "common/spinlock.h"
#include "tests/unit/support/world.h"
#include <pthread.h>

#define ROUNDS 20000u

static struct spinlock lock = SPINLOCK(LOCK_DOMAIN);
static u64 counted; /* guarded by lock */
static unsigned served[2], serves;

static void *count(void *number)
{
    fake_cpu_select((unsigned)(u64)number);
    for (unsigned i = 0; i < ROUNDS; i++) {
        spinlock_lock(&lock);
        u64 saw = read_once(counted);
        if (i % 64 == 0)
            cpu_relax(); /* a chance for the other one to come in */
        write_once(counted, saw + 1);
        spinlock_unlock(&lock);
    }
    return NULL;
}

static void test_one_at_a_time(void **state)
{
    pthread_t thread;
    (void)state;
    counted = 0;
    assert_int_equal(pthread_create(&thread, NULL, count, (void *)1), 0);
    count((void *)0);
    pthread_join(thread, NULL);
    assert_int_equal(counted, 2 * ROUNDS);
}

static void *come_and_be_served(void *number)
{
    fake_cpu_select((unsigned)(u64)number);
    spinlock_lock(&lock);
    served[serves++] = (unsigned)(u64)number;
    spinlock_unlock(&lock);
    return NULL;
}

/* Nobody who comes later is served earlier, so nobody starves (XSA-114). */
static void test_in_the_order_of_arrival(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        pthread_t threads[2];
        serves = 0;
        spinlock_lock(&lock);
        for (u64 i = 0; i < 2; i++) {
            u16 before = lock.next;
            assert_int_equal(pthread_create(&threads[i], NULL, come_and_be_served, (void *)(i + 1)), 0);
            while (lock.next == before) /* it stands in the row now */
                cpu_relax();
        }
        assert_int_equal(serves, 0);
        spinlock_unlock(&lock);
        for (unsigned i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(served[0], 1);
        assert_int_equal(served[1], 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_at_a_time, fake_setup),
        cmocka_unit_test_setup(test_in_the_order_of_arrival, fake_setup),
    };
    return cmocka_run_group_tests_name("spinlock", tests, NULL, NULL);
}
