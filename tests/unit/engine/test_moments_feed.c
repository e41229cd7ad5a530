/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine gives the moments what it gives the MSD, which test_brute_force.c proves. */
#include "engine_private.h"
#include "model.h"

static void
compare_with_msd(const model *m, size_t every)
{
    iw_engine_options options;
    iw_engine_options_init(&options);
    options.msd_stride = every;
    iw_engine *engine = model_engine(m, &options);
    iw_error err = {0};
    iw_msd_result msd = {0};
    iw_moments_result moments = {0};
    model_send(m, engine, 0, m->frames);
    assert_ok(iw_msd_query(engine->msd, &msd, &err), err);
    assert_ok(iw_moments_query(engine->moments, &moments, &err), err);
    assert_int_equal(moments.frames, msd.frames);
    assert_true(moments.n_lags >= 11);
    assert_true(moments.lag[moments.n_lags - 1] < msd.n_lags);
    for (size_t n = 0; n < moments.n_lags && moments.stride[n] == 1; n++) {
        size_t lag = moments.lag[n];
        assert_true(moments.origins[n] == msd.origins[lag]);
        for (size_t row = 0; row < 3 * m->run.n_species; row++)
            assert_close(moments.sum_A2[row * moments.n_lags + n],
                         msd.sum_A2[row * msd.n_lags + lag], 1e-10, 1e-10);
    }
    iw_msd_result_fini(&msd);
    iw_moments_result_fini(&moments);
    iw_engine_destroy(&engine);
}

static void
moments_have_the_frames_and_the_breaks_of_the_msd(void **state)
{
    (void)state;
    model m;
    model_init(&m, 400, CELL_SKEWED, true, true, 17);
    m.begins[120] = m.begins[121] = m.begins[150] = true;
    compare_with_msd(&m, 1);
    compare_with_msd(&m, 3);
    model_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_have_the_frames_and_the_breaks_of_the_msd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
