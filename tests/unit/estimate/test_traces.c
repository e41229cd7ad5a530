/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces of health against the sums over all frames.  docs/physics.md, "History". */
#include "estimate/traces.h"
#include "iw_test.h"

enum { MOST = 5000 };

/* Frames of a run with gaps: number of intervals up to each, and values, some of them unknown. */
typedef struct {
    size_t n;
    uint64_t intervals[MOST];
    double value[MOST][IW_TRACES];
} frames;

static void
make(frames *f, size_t n, double share_of_gaps)
{
    uint64_t seed = 9, at = 0;
    f->n = n;
    for (size_t t = 0; t < n; t++) {
        at += t > 0 && iw_test_uniform(&seed) >= share_of_gaps;
        f->intervals[t] = at;
        f->value[t][IW_TRACE_TEMPERATURE] = 600.0 + 30.0 * iw_test_normal(&seed);
        f->value[t][IW_TRACE_ENERGY] = -4500.0 + 0.01 * (double)t;
        f->value[t][IW_TRACE_FRAMEWORK] = iw_test_uniform(&seed) < 0.5 ? (double)NAN : 0.2;
        f->value[t][IW_TRACE_VOLUME] = NAN;
    }
}

/* The mean over the frames from..to-1 intervals; NAN where there is no value. */
static double
mean(const frames *f, uint64_t from, uint64_t to, int trace, double *time)
{
    double sum = 0.0;
    size_t n = 0, m = 0;
    *time = 0.0;
    for (size_t t = 0; t < f->n; t++) {
        if (f->intervals[t] < from || f->intervals[t] >= to)
            continue;
        *time += (double)f->intervals[t];
        m++;
        if (isnan(f->value[t][trace]))
            continue;
        sum += f->value[t][trace];
        n++;
    }
    *time /= (double)m;
    return n ? sum / (double)n : (double)NAN;
}

static void
assert_bins(const frames *f, const iw_traces *traces)
{
    uint64_t width = 1, last = f->intervals[f->n - 1];
    while (last / width >= IW_TRACE_BINS)
        width *= 2;
    assert_int_equal(traces->width, width);
    assert_int_equal(traces->n, last / width + 1);
    for (size_t k = 0; k < traces->n; k++) {
        iw_trace_point point = iw_traces_point(traces, k, 2.0);
        for (int i = 0; i < IW_TRACES; i++) {
            double time, expected = mean(f, k * width, (k + 1) * width, i, &time);
            assert_close(point.time_ps, 0.002 * time, 1e-12, 0);
            if (isnan(expected))
                assert_true(isnan(point.value[i]));
            else
                assert_close(point.value[i], expected, 1e-12, 0);
        }
    }
}

static void
bins_are_means_over_equal_times_however_often_they_doubled(void **state)
{
    (void)state;
    static frames f;
    static iw_traces traces;
    static const size_t lengths[] = {1, 2, 255, 256, 257, 258, 511, 512, 513, 1024, 1025, MOST};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int gaps = 0; gaps < 2; gaps++) {
            make(&f, lengths[i], gaps ? 0.1 : 0.0);
            iw_traces_init(&traces);
            for (size_t t = 0; t < f.n; t++)
                iw_traces_push(&traces, f.intervals[t], f.value[t]);
            assert_bins(&f, &traces);
        }
    }
}

static void
a_full_house_of_bins_is_halved(void **state)
{
    (void)state;
    static frames f;
    static iw_traces traces;
    make(&f, IW_TRACE_BINS + 1, 0.0);
    iw_traces_init(&traces);
    for (size_t t = 0; t < IW_TRACE_BINS; t++)
        iw_traces_push(&traces, f.intervals[t], f.value[t]);
    assert_int_equal(traces.n, IW_TRACE_BINS);
    assert_int_equal(traces.width, 1);
    iw_traces_push(&traces, f.intervals[IW_TRACE_BINS], f.value[IW_TRACE_BINS]);
    assert_int_equal(traces.n, IW_TRACE_BINS / 2 + 1);
    assert_int_equal(traces.width, 2);
}

static void
time_is_not_known_before_the_spacing_is(void **state)
{
    (void)state;
    static iw_traces traces;
    iw_traces_init(&traces);
    iw_traces_push(&traces, 0, (const double[IW_TRACES]){300.0, NAN, NAN, 970.0});
    iw_trace_point point = iw_traces_point(&traces, 0, NAN);
    assert_true(isnan(point.time_ps));
    assert_close(point.value[IW_TRACE_TEMPERATURE], 300.0, 0, 0);
    assert_close(point.value[IW_TRACE_VOLUME], 970.0, 0, 0);
    assert_true(isnan(point.value[IW_TRACE_ENERGY]));
}

/* Saved in the middle, and loaded into another one: it goes on to the last bit. */
static void
what_is_loaded_goes_on_as_what_was_saved(void **state)
{
    (void)state;
    static frames f;
    static iw_traces whole, first, second;
    make(&f, 1500, 0.05);
    for (size_t cut = 0; cut < f.n; cut += 250) {
        iw_traces_init(&whole);
        iw_traces_init(&first);
        iw_traces_init(&second);
        iw_buffer bytes = {0};
        iw_archive archive;
        for (size_t t = 0; t < cut; t++)
            iw_traces_push(&first, f.intervals[t], f.value[t]);
        iw_archive_to_buffer(&archive, &bytes);
        iw_traces_archive(&first, &archive);
        iw_archive_cursor cursor = {.data = bytes.data, .size = bytes.size};
        iw_archive_from_memory(&archive, &cursor);
        iw_traces_archive(&second, &archive);
        assert_true(iw_archive_ok(&archive));
        for (size_t t = 0; t < f.n; t++)
            iw_traces_push(&whole, f.intervals[t], f.value[t]);
        for (size_t t = cut; t < f.n; t++)
            iw_traces_push(&second, f.intervals[t], f.value[t]);
        assert_memory_equal(&whole, &second, sizeof whole);
        iw_buffer_fini(&bytes);
    }
}

static void
a_state_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static iw_traces traces;
    for (int k = 0; k < 2; k++) {
        iw_buffer bytes = {0};
        iw_archive archive;
        iw_error err;
        iw_traces_init(&traces);
        if (k == 0)
            traces.width = 0;
        else
            traces.n = IW_TRACE_BINS + 1;
        iw_archive_to_buffer(&archive, &bytes);
        iw_archive_tag(&archive, "traces", 1);
        iw_archive_u64(&archive, &traces.width);
        iw_archive_size(&archive, &traces.n);
        iw_archive_cursor cursor = {.data = bytes.data, .size = bytes.size};
        iw_archive_from_memory(&archive, &cursor);
        iw_traces_init(&traces);
        iw_traces_archive(&traces, &archive);
        assert_int_equal(iw_archive_status(&archive, &err), IW_CORRUPT);
        assert_non_null(strstr(err.text, k == 0 ? "width" : "bins of the traces"));
        iw_buffer_fini(&bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_are_means_over_equal_times_however_often_they_doubled),
        cmocka_unit_test(a_full_house_of_bins_is_halved),
        cmocka_unit_test(time_is_not_known_before_the_spacing_is),
        cmocka_unit_test(what_is_loaded_goes_on_as_what_was_saved),
        cmocka_unit_test(a_state_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
