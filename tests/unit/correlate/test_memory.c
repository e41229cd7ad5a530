/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation of the correlators fails once, also those of queries, breaks, saving and
 * loading; the call that failed is made again and nothing is lost: the results are bit for bit
 * those of a run without failures.
 *
 * With IONWATCH_SITES=FILE the call stacks of what failed are written there: allocation_sites.sh
 * finds the lines of the sources that are not among them. */
#include "running.h"

#include <execinfo.h>
#include <fftw3.h>
#include <malloc.h>

enum {
    DEPTH = 8,
    SLACK = 24576 /* bytes: lags of the window that no frame has reached, and the allocator's own */
};

static long allowed = -1; /* allocations until one fails; negative: none fails */
static size_t failures;
static FILE *sites;
static long held, peak; /* bytes */

static bool
must_fail(void)
{
    if (allowed < 0 || allowed-- > 0)
        return false;
    failures++;
    if (sites) {
        void *stack[DEPTH];
        int depth = backtrace(stack, DEPTH);
        for (int i = 0; i < depth; i++)
            (void)fprintf(sites, "%p%c", stack[i], i + 1 < depth ? ' ' : '\n');
    }
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
const iw_fft *__real_iw_fft_get(size_t n, iw_error *err);
fftw_plan __real_fftw_plan_dft_r2c_1d(int n, double *in, fftw_complex *out, unsigned flags);
fftw_plan __real_fftw_plan_dft_c2r_1d(int n, fftw_complex *in, double *out, unsigned flags);
fftw_plan __real_fftw_plan_dft_1d(int n, fftw_complex *in, fftw_complex *out, int sign,
                                  unsigned flags);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
const iw_fft *__wrap_iw_fft_get(size_t n, iw_error *err);
fftw_plan __wrap_fftw_plan_dft_r2c_1d(int n, double *in, fftw_complex *out, unsigned flags);
fftw_plan __wrap_fftw_plan_dft_c2r_1d(int n, fftw_complex *in, double *out, unsigned flags);
fftw_plan __wrap_fftw_plan_dft_1d(int n, fftw_complex *in, fftw_complex *out, int sign,
                                  unsigned flags);

/* Tells that memory came or went. */
static void *
count(void *memory, long sign)
{
    held += sign * (long)malloc_usable_size(memory);
    peak = held > peak ? held : peak;
    return memory;
}

void *
__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : count(__real_malloc(size), 1);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : count(__real_calloc(n, size), 1);
}

void *
__wrap_realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : count(__real_realloc(count(memory, -1), size), 1);
}

void
__wrap_free(void *memory)
{
    __real_free(count(memory, -1));
}

/* A plan is made once in the life of the process, so that its users would never see it fail. */
const iw_fft *
__wrap_iw_fft_get(size_t n, iw_error *err)
{
    if (must_fail()) {
        (void)iw_fail(err, IW_NO_MEMORY, "no plan of length %zu", n);
        return NULL;
    }
    return __real_iw_fft_get(n, err);
}

fftw_plan
__wrap_fftw_plan_dft_r2c_1d(int n, double *in, fftw_complex *out, unsigned flags)
{
    return must_fail() ? NULL : __real_fftw_plan_dft_r2c_1d(n, in, out, flags);
}

fftw_plan
__wrap_fftw_plan_dft_c2r_1d(int n, fftw_complex *in, double *out, unsigned flags)
{
    return must_fail() ? NULL : __real_fftw_plan_dft_c2r_1d(n, in, out, flags);
}

fftw_plan
__wrap_fftw_plan_dft_1d(int n, fftw_complex *in, fftw_complex *out, int sign, unsigned flags)
{
    return must_fail() ? NULL : __real_fftw_plan_dft_1d(n, in, out, sign, flags);
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

static void *
make(const running *r, const synthetic *s)
{
    iw_error err = {0};
    void *self = r->make(s, &err);
    if (!self) {
        assert_int_equal(err.code, IW_NO_MEMORY);
        assert_true(err.text[0] != '\0');
        self = r->make(s, &err);
    }
    assert_non_null(self);
    return self;
}

static iw_status
save(const running *r, void *self, iw_buffer *out, iw_error *err)
{
    iw_archive archive;
    iw_buffer_clear(out);
    iw_archive_to_buffer(&archive, out);
    r->archive(self, &archive);
    return iw_archive_status(&archive, err);
}

/* Another one that goes on where the one that is given up stands. */
static iw_status
move(const running *r, const synthetic *s, void **self, const iw_buffer *saved, iw_error *err)
{
    iw_archive archive;
    iw_archive_cursor cursor = {saved->data, saved->size, 0};
    void *other = make(r, s);
    iw_archive_from_memory(&archive, &cursor);
    r->archive(other, &archive);
    if (!iw_archive_ok(&archive)) {
        r->destroy(other);
        return iw_archive_status(&archive, err);
    }
    r->destroy(*self);
    *self = other;
    return IW_OK;
}

/* The failures that there were: none or one. */
static size_t
run(const running *r, const synthetic *s, long fail_at, iw_buffer *result)
{
    iw_error err = {0};
    iw_buffer saved = {0};
    allowed = fail_at;
    failures = 0;
    void *self = make(r, s);
    for (size_t t = 0; t < s->frames; t++) {
        if (t == 20 || t == 31 || t + 9 == s->frames)
            RETRY(r->gap(self, &err));
        RETRY(r->push(self, s->x + t * s->n_atoms * 3, &err));
        if (t == 10 || t == 25 || t == s->frames / 2)
            RETRY(r->query(self, result, &err));
        if (t == 27 || t == s->frames / 2 + 3) {
            RETRY(save(r, self, &saved, &err));
            RETRY(move(r, s, &self, &saved, &err));
        }
    }
    RETRY(r->query(self, result, &err));
    allowed = -1;
    r->destroy(self);
    iw_buffer_fini(&saved);
    return failures;
}

static void
survive(const running *r)
{
    synthetic s = synthetic_new(r->frames, 4, 2, 3);
    iw_buffer expected = {0}, result = {0};
    assert_int_equal(run(r, &s, -1, &expected), 0);
    long n = 0;
    for (; run(r, &s, n, &result) > 0; n++) {
        assert_int_equal(result.size, expected.size);
        assert_memory_equal(result.data, expected.data, expected.size);
        iw_buffer_fini(&result); /* so that the next query allocates again */
    }
    assert_true(n > 30);
    print_message("%s: %ld allocations failed, each once\n", r->name, n);
    iw_buffer_fini(&expected);
    iw_buffer_fini(&result);
    synthetic_free(&s);
}

static void
a_correlator_survives_the_failure_of_every_allocation(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++)
        survive(&correlators[i]);
}

/* What is held while frames come, a query is made at each, and at breaks, is no more than what was
 * said before, and not much less. */
static void
what_is_held_is_what_was_said_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CORRELATORS; i++) {
        const running *r = &correlators[i];
        synthetic s = synthetic_new(r->frames, 23, 3, 3);
        iw_buffer result = {0};
        iw_error err = {0};
        void *self = make(r, &s);
        size_t said = 0;
        assert_ok(iw_buffer_reserve(&result, 1U << 20, &err), err);
        r->destroy(self); /* plans are made */
        long before = held;
        self = make(r, &s);
        for (size_t t = 0; t < s.frames; t++) {
            said = r->memory(self);
            peak = held;
            assert_ok(r->push(self, s.x + t * s.n_atoms * 3, &err), err);
            assert_ok(r->query(self, &result, &err), err);
            if (peak - before > (long)said + SLACK)
                fail_msg("%s: %ld bytes after %zu frames, %zu said", r->name, peak - before, t + 1,
                         said);
            peak = held;
            if (t == 20 || t == 31 || t + 9 == s.frames)
                assert_ok(r->gap(self, &err), err);
            assert_true(peak - before <= (long)said + SLACK);
        }
        print_message("%s: %zu bytes said, %ld held at most at the end\n", r->name, said,
                      peak - before);
        assert_true(2 * (peak - before) > (long)said);
        r->destroy(self);
        iw_buffer_fini(&result);
        synthetic_free(&s);
    }
}

static void
a_plan_survives_the_failure_of_every_allocation(void **state)
{
    (void)state;
    enum { LENGTH = 24 }; /* of no plan that was made before */
    const iw_fft *plan = NULL;
    long n = 0;
    for (; !plan; n++) {
        iw_error err = {0};
        allowed = n;
        failures = 0;
        plan = __real_iw_fft_get(LENGTH, &err);
        allowed = -1;
        assert_int_equal(failures, plan ? 0 : 1);
        assert_int_equal(err.code, plan ? IW_OK : IW_NO_MEMORY);
    }
    assert_int_equal(n, 8); /* its record, three arrays, three plans; then none failed */
    double *ones = iw_fft_alloc(LENGTH * sizeof *ones);
    double complex *bins = iw_fft_alloc(LENGTH * sizeof *bins);
    assert_true(ones && bins);
    for (size_t i = 0; i < LENGTH; i++)
        ones[i] = 1.0;
    iw_fft_forward(plan, ones, bins);
    assert_close(creal(bins[0]), LENGTH, 1e-14, 0);
    assert_close(cabs(bins[1]), 0.0, 0, 1e-14);
    iw_fft_free(ones);
    iw_fft_free(bins);
    iw_fft_release(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_what_was_said_before),
        cmocka_unit_test(a_plan_survives_the_failure_of_every_allocation),
        cmocka_unit_test(a_correlator_survives_the_failure_of_every_allocation),
    };
    const char *path = getenv("IONWATCH_SITES");
    void *first[1];
    if (path) {
        (void)backtrace(first, 1); /* allocates, the first time */
        sites = fopen(path, "w");
        if (!sites)
            return 1;
    }
    int failed = cmocka_run_group_tests_name("correlate memory", tests, NULL, NULL);
    return sites && fclose(sites) != 0 ? 1 : failed;
}
