/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "ionwatchd/config.h"

#include <unistd.h>

static void
every_row_is_complete_and_says_something_of_its_own(void **state)
{
    (void)state;
    for (const iw_option *a = iw_config_options; a->key; a++) {
        assert_non_null(a->section);
        assert_true(strlen(a->help) > 10);
        if (a->type == IW_OPTION_REAL || a->type == IW_OPTION_COUNT)
            assert_true(a->min < a->max);
        if (a->type == IW_OPTION_CHOICE)
            assert_non_null(strchr(a->choices, '|'));
        for (const iw_option *b = iw_config_options; b < a; b++) {
            assert_string_not_equal(a->key, b->key);
            assert_string_not_equal(a->help, b->help);
        }
    }
}

static void
defaults_are_those_of_the_engine(void **state)
{
    (void)state;
    iw_config config;
    iw_engine_options mine, engine;
    const char *mobile[IW_CONFIG_MOBILE];
    iw_config_init(&config);
    iw_config_engine(&config, mobile, &mine);
    iw_engine_options_init(&engine);
    assert_int_equal(mine.drift, engine.drift);
    assert_int_equal(mine.taper, engine.taper);
    assert_int_equal(mine.n_mobile, 0);
    assert_int_equal(mine.msd_stride, engine.msd_stride);
    assert_int_equal(mine.memory_mib, engine.memory_mib);
    assert_close(mine.vacf_window_ps, engine.vacf_window_ps, 0, 0);
    assert_close(mine.cutoff_meV, engine.cutoff_meV, 0, 0);
    assert_true(isnan(mine.temperature_K) && isnan(engine.temperature_K));
    assert_true(isnan(mine.paper_spacing_fs) && isnan(engine.paper_spacing_fs));
    assert_close(mine.diffusion.hop_length_A, engine.diffusion.hop_length_A, 0, 0);
    assert_close(mine.diffusion.alpha_tolerance, engine.diffusion.alpha_tolerance, 0, 0);
    assert_close(mine.convergence.target, engine.convergence.target, 0, 0);
    assert_close(mine.convergence.min_hops, engine.convergence.min_hops, 0, 0);
    assert_close(mine.convergence.min_time_ps, engine.convergence.min_time_ps, 0, 0);
    assert_int_equal(mine.convergence.hold, engine.convergence.hold);
    assert_close(mine.convergence.trend_sigmas, engine.convergence.trend_sigmas, 0, 0);
    assert_close(mine.convergence.min_D_cm2_s, engine.convergence.min_D_cm2_s, 0, 0);
    assert_true(isnan(mine.convergence.budget_ps) && isnan(engine.convergence.budget_ps));
    assert_true(isnan(mine.convergence.planned_ps) && isnan(engine.convergence.planned_ps));
    assert_int_equal(mine.convergence.broken_hold, engine.convergence.broken_hold);
    assert_memory_equal(mine.convergence.mode, engine.convergence.mode,
                        sizeof mine.convergence.mode);
}

static void
unknown_key_names_the_nearest_one(void **state)
{
    (void)state;
    iw_config config;
    iw_error err;
    iw_config_init(&config);
    assert_int_equal(iw_config_set(&config, "analysis", "tapper", "hann", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "did you mean \"taper\""));
    assert_int_equal(iw_config_set(&config, "analysis", "qqqqqqqq", "1", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "--help"));
    assert_int_equal(iw_config_set(&config, "stop", "taper", "hann", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "belongs in section [analysis]"));
}

static void
value_out_of_range_is_refused_with_the_range(void **state)
{
    (void)state;
    iw_config config;
    iw_error err;
    iw_config_init(&config);
    assert_int_equal(iw_config_set(&config, NULL, "vacf_window_ps", "-3", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "from 0.001 to 10000 ps"));
    assert_int_equal(iw_config_set(&config, NULL, "vacf_window_ps", "4 ps", &err), IW_INVALID);
    assert_int_equal(iw_config_set(&config, NULL, "vacf_window_ps", "nan", &err), IW_INVALID);
    assert_int_equal(iw_config_set(&config, NULL, "hold", "1.5", &err), IW_INVALID);
    assert_int_equal(iw_config_set(&config, NULL, "drift", "sideways", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "com|framework|none"));
    assert_int_equal(iw_config_set(&config, NULL, "insecure_tcp", "perhaps", &err), IW_INVALID);
    assert_close(config.vacf_window_ps, 4, 0, 0);
}

static void
write_file(char path[32], const char *text)
{
    memcpy(path, "/tmp/iw-config-XXXXXX", 22);
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (int)strlen(text));
    (void)close(file);
}

static void
command_line_wins_over_the_file(void **state)
{
    (void)state;
    char path[32];
    iw_config config;
    iw_config_action action;
    iw_error err;
    write_file(path, "; remark\n[daemon]\nlisten = ipc:///a\nlost_after_s = 60\n"
                     "[analysis]\nmobile = Li,Na\nmsd_stride = 5\n");
    char *argv[] = {"ionwatchd", "--msd-stride",   "7", "-c", path, "--listen=ipc:///b", "--listen",
                    "ipc:///c",  "--insecure-tcp", NULL};
    iw_config_init(&config);
    assert_ok(iw_config_arguments(&config, 9, argv, &action, &err), err);
    assert_int_equal(action, IW_CONFIG_RUN);
    assert_int_equal(config.msd_stride, 7);
    assert_close(config.lost_after_s, 60, 0, 0);
    assert_int_equal(config.mobile.n, 2);
    assert_string_equal(config.mobile.items[1], "Na");
    assert_int_equal(config.listen.n, 2);
    assert_string_equal(config.listen.items[0], "ipc:///b");
    assert_string_equal(config.listen.items[1], "ipc:///c");
    assert_true(config.insecure_tcp);
    (void)unlink(path);
}

static void
fault_in_the_file_names_file_and_line(void **state)
{
    (void)state;
    char path[32];
    iw_config config;
    iw_error err;
    write_file(path, "[daemon]\n\nhartbeat_s = 3\n");
    iw_config_init(&config);
    assert_int_equal(iw_config_load(&config, path, &err), IW_INVALID);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, ":3: unknown option \"hartbeat_s\""));
    assert_non_null(strstr(err.text, "heartbeat_s"));
    (void)unlink(path);
    assert_int_equal(iw_config_load(&config, "/nonexistent/ionwatchd.conf", &err), IW_IO);
}

static void
metadata_of_a_run_go_before_the_settings(void **state)
{
    (void)state;
    iw_config config;
    iw_run_info run;
    iw_error err;
    iw_config_init(&config);
    iw_run_info_init(&run);
    assert_ok(iw_config_set(&config, NULL, "mobile", "Li", &err), err);
    assert_ok(iw_run_info_set_metadata(&run, "mobile", "Ag,Cu", &err), err);
    assert_ok(iw_run_info_set_metadata(&run, "target", "0.1", &err), err);
    assert_ok(iw_run_info_set_metadata(&run, "taper", "square", &err), err);
    assert_ok(iw_run_info_set_metadata(&run, "data", "/somewhere/else", &err), err);
    assert_int_equal(iw_config_of_run(&config, &run, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "square"));
    assert_int_equal(config.mobile.n, 2);
    assert_string_equal(config.mobile.items[0], "Ag");
    assert_close(config.stop_target, 0.1, 0, 0);
    assert_int_equal(config.taper, IW_TAPER_PARZEN);
    assert_string_equal(config.data, ""); /* no run moves the daemon's folders */
    iw_run_info_fini(&run);
}

static void
make_charged(iw_run_info *run, bool with_charges)
{
    static const char *const names[] = {"Li", "Cl"};
    iw_error err;
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, 2, names, &err), err);
    if (!with_charges)
        return;
    run->charge_e = calloc(2, sizeof(double));
    run->charge_e[0] = 0.7;
    run->charge_e[1] = -0.7;
}

static void
charges_of_metadata_then_atoms_then_settings(void **state)
{
    (void)state;
    iw_config config;
    iw_run_info run;
    iw_error err;
    iw_config_init(&config);
    assert_int_equal(iw_config_set(&config, "analysis", "charges", "Li=one", &err), IW_INVALID);
    assert_non_null(strstr(err.text, "charges = Li=one"));
    assert_non_null(strstr(err.text, "NAME=NUMBER"));
    assert_ok(iw_config_set(&config, "analysis", "charges", "Li=1,Cl=-1,S=-2", &err), err);

    make_charged(&run, false); /* none came: the daemon's, whatever else its table has */
    assert_ok(iw_config_charges(&config, &run, &err), err);
    assert_close(run.charge_e[1], -1, 0, 0);
    iw_run_info_fini(&run);

    make_charged(&run, true); /* those of the atoms stay */
    assert_ok(iw_config_charges(&config, &run, &err), err);
    assert_close(run.charge_e[1], -0.7, 0, 0);

    iw_config own = config; /* unless the run itself asks */
    assert_ok(iw_run_info_set_metadata(&run, "charges", "Li=0.9,Cl=-0.9", &err), err);
    assert_ok(iw_config_of_run(&own, &run, &err), err);
    assert_ok(iw_config_charges(&own, &run, &err), err);
    assert_close(run.charge_e[1], -0.9, 0, 0);

    own = config; /* what it asks for cannot be: as if it had not */
    run.charge_e[1] = -0.7;
    assert_ok(iw_run_info_set_metadata(&run, "charges", "Li=", &err), err);
    assert_int_equal(iw_config_of_run(&own, &run, &err), IW_INVALID);
    assert_ok(iw_config_charges(&own, &run, &err), err);
    assert_close(run.charge_e[1], -0.7, 0, 0);
    iw_run_info_fini(&run);

    make_charged(&run, false);
    assert_ok(iw_config_set(&config, "analysis", "charges", "Li=1,S=-2", &err), err);
    assert_int_equal(iw_config_charges(&config, &run, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "Cl has none"));
    assert_null(run.charge_e);
    iw_run_info_fini(&run);
}

/* The sample file is what --print-config prints, and loads as the defaults. */
static void
sample_file_of_the_documents_is_made_by_the_table(void **state)
{
    (void)state;
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    iw_config_sample(out);
    (void)fclose(out);
    FILE *file = fopen(IONWATCH_SOURCE_DIR "/docs/ionwatchd.conf", "r");
    assert_non_null(file);
    char *kept = calloc(1, size + 2);
    assert_int_equal(fread(kept, 1, size + 1, file), size);
    (void)fclose(file);
    assert_string_equal(kept, made);
    free(kept);
    free(made);
}

static void
manual_page_names_every_option(void **state)
{
    (void)state;
    static char page[65536];
    FILE *file = fopen(IONWATCH_SOURCE_DIR "/docs/ionwatchd.8", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    (void)fclose(file);
    for (const iw_option *option = iw_config_options; option->key; option++)
        if (!strstr(page, option->key))
            fail_msg("docs/ionwatchd.8 does not name %s", option->key);
}

static void
addresses_of_the_page_are_looked_at_before_anything_starts(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:8417",     "localhost:0",   "[::1]:80",
                                       "host.example:65535", "unix:/tmp/x:y", "off"};
    static const char *const bad[] = {"127.0.0.1",  "localhost:", ":80",     "",
                                      "::1:8417",   "[::1]",      "[]:80",   "host:65536",
                                      "host:8417x", "host: 80",   "host:-1", "unix:page.sock",
                                      "unix:",      "OFF",        "on",      "host:000080"};
    iw_config config;
    iw_error err;
    iw_config_init(&config);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(iw_config_set(&config, "http", "http", good[i], &err), err);
        assert_string_equal(config.http, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (iw_config_set(&config, "http", "http", bad[i], &err) != IW_INVALID)
            fail_msg("\"%s\" is taken", bad[i]);
        assert_non_null(strstr(err.text, "is wanted"));
        assert_string_equal(config.http, "off");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete_and_says_something_of_its_own),
        cmocka_unit_test(addresses_of_the_page_are_looked_at_before_anything_starts),
        cmocka_unit_test(defaults_are_those_of_the_engine),
        cmocka_unit_test(unknown_key_names_the_nearest_one),
        cmocka_unit_test(value_out_of_range_is_refused_with_the_range),
        cmocka_unit_test(command_line_wins_over_the_file),
        cmocka_unit_test(fault_in_the_file_names_file_and_line),
        cmocka_unit_test(metadata_of_a_run_go_before_the_settings),
        cmocka_unit_test(charges_of_metadata_then_atoms_then_settings),
        cmocka_unit_test(sample_file_of_the_documents_is_made_by_the_table),
        cmocka_unit_test(manual_page_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
