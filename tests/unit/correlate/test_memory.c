/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation of the correlators fails once; the call that failed is made again and nothing is
 * lost: the results are bit for bit those of a run without failures. */
#include "correlate/moments.h"
#include "correlate/msd.h"
#include "correlate/vacf.h"
#include "synthetic.h"

static long allowed = -1; /* allocations until one fails; negative: none fails */
static size_t failures;

static bool
must_fail(void)
{
    if (allowed < 0 || allowed-- > 0)
        return false;
    failures++;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *
__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : __real_realloc(memory, size);
}

/* Makes a call again when the one failure planned for this run has struck it. */
#define RETRY(call)                                                                                \
    do {                                                                                           \
        iw_status status_ = (call);                                                                \
        if (status_ == IW_NO_MEMORY) {                                                             \
            assert_int_equal(err.code, IW_NO_MEMORY);                                              \
            assert_true(err.text[0] != '\0');                                                      \
            status_ = (call);                                                                      \
        }                                                                                          \
        assert_int_equal(status_, IW_OK);                                                          \
    } while (0)

static size_t
run_msd(const synthetic *s, long fail_at, iw_msd_result *result)
{
    iw_error err = {0};
    iw_msd_options options = {s->n_atoms, s->n_species, s->kind, 8};
    allowed = fail_at;
    failures = 0;
    iw_msd *msd = iw_msd_new(&options, &err);
    if (!msd) {
        assert_int_equal(err.code, IW_NO_MEMORY);
        msd = iw_msd_new(&options, &err);
    }
    assert_non_null(msd);
    for (size_t t = 0; t < s->frames; t++) {
        if (t == 50 || t == 60)
            RETRY(iw_msd_break(msd, &err));
        RETRY(iw_msd_push(msd, s->x + t * s->n_atoms * 3, &err));
        if (t == 20 || t == 55)
            RETRY(iw_msd_query(msd, result, &err));
    }
    RETRY(iw_msd_query(msd, result, &err));
    allowed = -1;
    iw_msd_destroy(&msd);
    return failures;
}

static size_t
run_vacf(const synthetic *s, long fail_at, iw_vacf_result *result)
{
    iw_error err = {0};
    iw_vacf_options options = {s->n_atoms, s->n_species, s->kind, 70, 0};
    allowed = fail_at;
    failures = 0;
    iw_vacf *vacf = iw_vacf_new(&options, &err);
    if (!vacf) {
        assert_int_equal(err.code, IW_NO_MEMORY);
        vacf = iw_vacf_new(&options, &err);
    }
    assert_non_null(vacf);
    for (size_t t = 0; t < s->frames; t++) {
        if (t == 20)
            RETRY(iw_vacf_break(vacf, &err));
        RETRY(iw_vacf_push(vacf, s->x + t * s->n_atoms * 3, &err));
        if (t == 10)
            RETRY(iw_vacf_query(vacf, result, &err));
    }
    RETRY(iw_vacf_query(vacf, result, &err));
    allowed = -1;
    iw_vacf_destroy(&vacf);
    return failures;
}

static size_t
run_moments(const synthetic *s, long fail_at, iw_moments_result *result)
{
    iw_error err = {0};
    iw_moments_options options = {s->n_atoms, s->n_species, s->kind};
    allowed = fail_at;
    failures = 0;
    iw_moments *moments = iw_moments_new(&options, &err);
    if (!moments) {
        assert_int_equal(err.code, IW_NO_MEMORY);
        moments = iw_moments_new(&options, &err);
    }
    assert_non_null(moments);
    for (size_t t = 0; t < s->frames; t++) {
        if (t == 50 || t == 60)
            RETRY(iw_moments_break(moments, &err));
        RETRY(iw_moments_push(moments, s->x + t * s->n_atoms * 3, &err));
        if (t == 20 || t == 55)
            RETRY(iw_moments_query(moments, result, &err));
    }
    RETRY(iw_moments_query(moments, result, &err));
    allowed = -1;
    iw_moments_destroy(&moments);
    return failures;
}

static void
msd_survives_the_failure_of_every_allocation(void **state)
{
    (void)state;
    synthetic s = synthetic_new(150, 4, 2, 3);
    iw_msd_result expected = {0}, result = {0};
    assert_int_equal(run_msd(&s, -1, &expected), 0);
    long n = 0;
    while (run_msd(&s, n, &result) > 0) {
        assert_int_equal(result.n_lags, expected.n_lags);
        assert_memory_equal(result.sum_A2, expected.sum_A2, 6 * expected.n_lags * sizeof(double));
        assert_memory_equal(result.origins, expected.origins, expected.n_lags * sizeof(double));
        n++;
    }
    assert_true(n > 50);
    iw_msd_result_fini(&expected);
    iw_msd_result_fini(&result);
    synthetic_free(&s);
}

static void
vacf_survives_the_failure_of_every_allocation(void **state)
{
    (void)state;
    synthetic s = synthetic_new(300, 4, 2, 3);
    iw_vacf_result expected = {0}, result = {0};
    assert_int_equal(run_vacf(&s, -1, &expected), 0);
    long n = 0;
    while (run_vacf(&s, n, &result) > 0) {
        assert_int_equal(result.n_lags, expected.n_lags);
        assert_memory_equal(result.sum, expected.sum, 2 * expected.n_lags * sizeof(double));
        n++;
    }
    assert_true(n > 10);
    iw_vacf_result_fini(&expected);
    iw_vacf_result_fini(&result);
    synthetic_free(&s);
}

static void
moments_survive_the_failure_of_every_allocation(void **state)
{
    (void)state;
    synthetic s = synthetic_new(300, 4, 2, 3);
    iw_moments_result expected = {0}, result = {0};
    assert_int_equal(run_moments(&s, -1, &expected), 0);
    size_t lags = expected.n_lags, epochs = expected.n_epochs;
    size_t doubles = lags * (1 + 4 * 2 + 4 + epochs * (1 + 3 * 2));
    long n = 0;
    while (run_moments(&s, n, &result) > 0) {
        assert_int_equal(result.n_lags, lags);
        assert_int_equal(result.n_epochs, epochs);
        assert_int_equal(result.n_segments, 3);
        assert_memory_equal(result.memory, expected.memory,
                            doubles * sizeof(double) + (2 * lags + 3) * sizeof(size_t));
        n++;
    }
    assert_true(n > 8);
    iw_moments_result_fini(&expected);
    iw_moments_result_fini(&result);
    synthetic_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(msd_survives_the_failure_of_every_allocation),
        cmocka_unit_test(vacf_survives_the_failure_of_every_allocation),
        cmocka_unit_test(moments_survive_the_failure_of_every_allocation),
    };
    return cmocka_run_group_tests_name("correlate memory", tests, NULL, NULL);
}
