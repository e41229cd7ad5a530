/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/crew.h"

#include "iw_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 4, MOST = 1000 };

typedef struct {
    int times;
    pthread_t by;
} item;

static atomic_int at_once, most_at_once;

static void
work(void *item_)
{
    item *self = item_;
    self->times++;
    self->by = pthread_self();
}

/* As long as a disk takes. */
static void
wait_in_company(void *item_)
{
    struct timespec time = {0, 20000000};
    int now = atomic_fetch_add(&at_once, 1) + 1;
    int most = atomic_load(&most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
        ;
    (void)nanosleep(&time, NULL);
    (void)atomic_fetch_sub(&at_once, 1);
    work(item_);
}

static void
every_item_is_worked_on_once(void **state)
{
    static item items[MOST];
    iw_error err;
    iw_crew *crew = iw_crew_new(THREADS, &err);
    (void)state;
    assert_non_null(crew);
    for (size_t n = 0; n <= MOST; n = n < 8 ? n + 1 : 5 * n) {
        memset(items, 0, sizeof items);
        iw_crew_run(crew, work, items, n, sizeof items[0]);
        for (size_t i = 0; i < MOST; i++)
            assert_int_equal(items[i].times, i < n);
    }
    iw_crew_destroy(&crew);
    assert_null(crew);
    iw_crew_destroy(&crew);
}

static void
one_item_is_worked_on_by_whoever_asks(void **state)
{
    item one = {0};
    iw_error err;
    iw_crew *crew = iw_crew_new(THREADS, &err);
    (void)state;
    assert_non_null(crew);
    iw_crew_run(crew, work, &one, 1, sizeof one);
    assert_int_equal(one.times, 1);
    assert_true(pthread_equal(one.by, pthread_self()));
    iw_crew_destroy(&crew);
}

static void
items_that_wait_do_so_side_by_side(void **state)
{
    item items[THREADS + 1] = {{0}};
    iw_error err;
    iw_crew *crew = iw_crew_new(THREADS, &err);
    (void)state;
    assert_non_null(crew);
    iw_crew_run(crew, wait_in_company, items, THREADS + 1, sizeof items[0]);
    for (size_t i = 0; i < THREADS + 1; i++)
        assert_int_equal(items[i].times, 1);
    assert_true(atomic_load(&most_at_once) > 1);
    assert_true(atomic_load(&most_at_once) <= THREADS + 1);
    iw_crew_destroy(&crew);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_worked_on_once),
        cmocka_unit_test(one_item_is_worked_on_by_whoever_asks),
        cmocka_unit_test(items_that_wait_do_so_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
