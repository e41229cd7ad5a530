/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model.h"
#include "publish/json.h"

/* Frames of a model, read again from the start. */
typedef struct {
    const model *m;
    size_t at;
} replay;

static iw_status
replay_next(void *self, iw_frame *frame, iw_error *err)
{
    replay *r = self;
    (void)err;
    if (r->at == r->m->frames)
        return IW_END;
    frame->seq = r->at + 1;
    frame->step = (int64_t)r->at;
    frame->time_fs = 2.0 * (double)r->at;
    frame->has_cell = true;
    memcpy(frame->cell_A, r->m->cell[r->at], sizeof frame->cell_A);
    memcpy(frame->pos_A, r->m->pos + 3 * MODEL_ATOMS * r->at, 3 * MODEL_ATOMS * sizeof(double));
    r->at++;
    return IW_OK;
}

static iw_status
replay_rewind(void *self, iw_error *err)
{
    (void)err;
    ((replay *)self)->at = 0;
    return IW_OK;
}

static iw_snapshot *
example(bool paper, bool charges)
{
    enum { T = 2500 };
    model m;
    model_init(&m, T, CELL_SKEWED, true, true, 21);
    m.run.name = strdup("li3ps4 at 600 K");
    m.run.code = strdup("lammps");
    static const double charge_e[] = {1, -1.5, 0.25}; /* Li, S, P: neutral */
    m.run.charge_e = charges ? calloc(MODEL_ATOMS, sizeof(double)) : NULL;
    for (size_t i = 0; i < MODEL_ATOMS && charges; i++)
        m.run.charge_e[i] = charge_e[m.run.kind[i]];
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = model_engine(&m, &options);
    model_send(&m, engine, 0, T);
    if (paper) {
        replay frames = {&m, 0};
        iw_source source = {&frames, &m.run, replay_next, replay_rewind};
        iw_error err;
        assert_ok(iw_engine_paper(engine, &source, &err), err);
    }
    iw_snapshot *snapshot = model_snapshot(engine);
    iw_engine_destroy(&engine);
    model_fini(&m);
    return snapshot;
}

static void
need(const json_t *object, const char *const *keys, const char *where)
{
    for (; *keys; keys++) {
        if (!json_object_get(object, *keys))
            fail_msg("%s lacks \"%s\"", where, *keys);
    }
}

static void
every_key_of_the_contract_is_there(void **state)
{
    (void)state;
    static const char *const top[] = {"run",    "groups", "transport", "convergence",
                                      "health", "events", NULL};
    static const char *const health[] = {"state",
                                         "reason",
                                         "temperature_mean_K",
                                         "temperature_recent_K",
                                         "energy_drift_meV_atom_ps",
                                         "energy_drift_stderr_meV_atom_ps",
                                         "volume_ratio",
                                         "lindemann",
                                         "framework_msd_A2",
                                         "com_drift_A_ps",
                                         "refused_frames",
                                         NULL};
    static const char *const run[] = {"id",
                                      "name",
                                      "state",
                                      "code",
                                      "material",
                                      "material_source",
                                      "formula",
                                      "frames",
                                      "atoms",
                                      "dt_fs",
                                      "time_ps",
                                      "temperature_K",
                                      "segments",
                                      "mobile",
                                      "velocity_source",
                                      "vdos_method",
                                      "msd_dt_fs",
                                      "drift",
                                      "taper",
                                      "cutoff_meV",
                                      "vacf_window_ps",
                                      "vdos_resolution_meV",
                                      "temperature_measured_K",
                                      NULL};
    static const char *const group[] = {"atoms",
                                        "D_cm2_s",
                                        "D_einstein_cm2_s",
                                        "D_green_kubo_cm2_s",
                                        "D_green_kubo_stderr_cm2_s",
                                        "D_green_kubo_plateau_cm2_s",
                                        "stderr",
                                        "stderr_epochs",
                                        "D_axes_cm2_s",
                                        "alpha",
                                        "effective_hops",
                                        "he_relative_error",
                                        "fit_window_ps",
                                        "omega_mean_meV",
                                        "omega30_mean_meV",
                                        "e_vib_meV",
                                        "f_vib_meV",
                                        "s_vib_meV_K",
                                        "c_v_meV_K",
                                        "e_vib_meV_atom",
                                        "f_vib_meV_atom",
                                        "s_vib_kB_atom",
                                        "c_v_kB_atom",
                                        "paper",
                                        "msd",
                                        "vacf",
                                        "vdos",
                                        NULL};
    static const char *const paper[] = {
        "omega_mean_meV", "omega30_mean_meV", "e_vib_meV", "f_vib_meV",
        "s_vib_meV_K",    "c_v_meV_K",        "vdos",      NULL};
    static const char *const D[] = {"value", "stderr", "ci95", NULL};
    static const char *const msd[] = {"lag_ps", "msd_A2", "stderr_A2", NULL};
    static const char *const vacf[] = {"lag_fs", "c", "stderr", NULL};
    static const char *const vdos[] = {"energy_meV", "g", "stderr", NULL};
    static const char *const convergence[] = {"state",
                                              "reason",
                                              "rule",
                                              "relative_error",
                                              "predicted_ps_to_target",
                                              "predicted_ps_ci95",
                                              "decisions",
                                              NULL};
    iw_snapshot *snapshot = example(true, false);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    need(json, top, "the record");
    need(json_object_get(json, "run"), run, "run");
    need(json_object_get(json, "convergence"), convergence, "convergence");
    need(json_object_get(json, "health"), health, "health");
    json_t *groups = json_object_get(json, "groups"), *one;
    const char *name;
    assert_int_equal(json_object_size(groups), 6);
    json_object_foreach(groups, name, one)
    {
        need(one, group, name);
        need(json_object_get(one, "D_cm2_s"), D, "D_cm2_s");
        assert_int_equal(json_array_size(json_object_get(json_object_get(one, "D_cm2_s"), "ci95")),
                         2);
        assert_int_equal(json_array_size(json_object_get(one, "D_axes_cm2_s")), 3);
        need(json_object_get(one, "msd"), msd, "msd");
        need(json_object_get(one, "vacf"), vacf, "vacf");
        need(json_object_get(one, "vdos"), vdos, "vdos");
        need(json_object_get(one, "paper"), paper, "paper");
        for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++) {
            bool of_group = strcmp(row->category, "diffusive") == 0 ||
                            strcmp(row->category, "vibrational") == 0;
            if (of_group && !json_object_get(one, row->key))
                fail_msg("%s lacks \"%s\" of the catalogue", name, row->key);
        }
    }
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
series_come_when_asked_for_and_whole_when_asked_for(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    const unsigned flags[] = {0, IW_JSON_SERIES, IW_JSON_FULL, IW_JSON_SERIES | IW_JSON_FULL};
    const iw_series *full = &snapshot->groups[0].msd;
    for (size_t i = 0; i < 4; i++) {
        json_t *json = iw_snapshot_json(snapshot, flags[i]);
        const json_t *all = json_object_get(json_object_get(json, "groups"), "all");
        const json_t *lags = json_object_get(json_object_get(all, "msd"), "lag_ps");
        const json_t *values = json_object_get(json_object_get(all, "msd"), "msd_A2");
        size_t n = json_array_size(lags);
        assert_int_equal(json_array_size(values), n);
        assert_true(json_is_null(json_object_get(all, "paper")));
        if (i == 0) {
            assert_null(lags);
        } else if (i == 1) {
            assert_true(n <= 200 && n > 100);
        } else {
            assert_int_equal(n, full->n);
            for (size_t k = 0; k < n; k++)
                assert_close(json_number_value(json_array_get(values, k)), full->y[k], 0, 0);
        }
        if (n > 0) {
            assert_close(json_number_value(json_array_get(lags, 0)), 0.0, 0, 0);
            assert_close(json_number_value(json_array_get(lags, n - 1)), full->x[full->n - 1], 0,
                         0);
        }
        json_decref(json);
    }
    iw_snapshot_unref(&snapshot);
}

static void
transport_is_null_without_charges_and_complete_with_them(void **state)
{
    (void)state;
    static const char *const keys[] = {"charges_e",
                                       "total_charge_e",
                                       "volume_A3",
                                       "conductivity_mS_cm",
                                       "conductivity_nernst_einstein_mS_cm",
                                       "haven_ratio",
                                       "carriers",
                                       "alpha",
                                       "fit_window_ps",
                                       "diffusive",
                                       "warning",
                                       "charge_msd",
                                       NULL};
    static const char *const estimate[] = {"value", "stderr", "ci95", NULL};
    static const char *const series[] = {"lag_ps", "msd_e2A2", "stderr_e2A2", NULL};
    iw_snapshot *snapshot = example(false, false);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    assert_true(json_is_null(json_object_get(json, "transport")));
    json_t *groups = json_object_get(json, "groups");
    need(json_object_get(json_object_get(groups, "mobile"), "D_collective_cm2_s"), estimate,
         "D_collective_cm2_s of mobile");
    assert_true(json_is_null(json_object_get(json_object_get(groups, "S"), "D_collective_cm2_s")));
    json_decref(json);
    iw_snapshot_unref(&snapshot);

    snapshot = example(false, true);
    json = iw_snapshot_json(snapshot, IW_JSON_FULL);
    json_t *transport = json_object_get(json, "transport");
    need(transport, keys, "transport");
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++)
        if (strcmp(row->category, "transport") == 0)
            need(json_object_get(transport, row->key), estimate, row->key);
    const json_t *charges = json_object_get(transport, "charges_e");
    assert_int_equal(json_object_size(charges), 3);
    assert_close(json_number_value(json_object_get(charges, "S")), -1.5, 0, 0);
    assert_close(json_number_value(json_object_get(transport, "volume_A3")), 9 * 8 * 11, 1e-12, 0);
    json_t *msd = json_object_get(transport, "charge_msd");
    need(msd, series, "charge_msd");
    size_t n = json_array_size(json_object_get(msd, "lag_ps"));
    assert_int_equal(n, snapshot->transport.charge_msd.n);
    assert_int_equal(json_array_size(json_object_get(msd, "stderr_e2A2")), n);
    assert_true(iw_record_thin(json)); /* as asked for thin in the first place */
    json_t *thin = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    assert_true(json_equal(transport, json_object_get(thin, "transport")));
    json_decref(thin);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
not_a_number_becomes_null(void **state)
{
    (void)state;
    iw_snapshot *snapshot = iw_snapshot_new();
    json_t *json = iw_snapshot_json(snapshot, 0);
    assert_true(json_is_null(json_object_get(json_object_get(json, "run"), "temperature_K")));
    char *text = json_dumps(json, 0);
    assert_non_null(text);
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
per_atom_is_three_modes(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    json_t *json = iw_snapshot_json(snapshot, 0);
    const json_t *li = json_object_get(json_object_get(json, "groups"), "Li");
    const double k_meV_K = 8.617333262145179e-2;
    assert_close(json_number_value(json_object_get(li, "e_vib_meV_atom")),
                 3.0 * json_number_value(json_object_get(li, "e_vib_meV")), 1e-15, 0);
    assert_close(json_number_value(json_object_get(li, "c_v_kB_atom")),
                 3.0 * json_number_value(json_object_get(li, "c_v_meV_K")) / k_meV_K, 1e-14, 0);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static char *
printed(const json_t *json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    iw_error err;
    assert_ok(iw_record_print(json, out, &err), err);
    (void)fclose(out);
    return text;
}

static void
the_table_says_what_is_bounded_on_one_side_and_what_carries_nothing(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(true, true);
    iw_diffusion *D = &snapshot->groups[0].diffusion;
    D->ci95_cm2_s[0] = 1.25e-6;
    D->ci95_cm2_s[1] = NAN;
    for (size_t s = 0; s < snapshot->transport.n_species; s++)
        snapshot->transport.species[s].carrier = false;
    snapshot->transport.charge.fit_ps[0] = NAN;
    json_t *json = iw_snapshot_json(snapshot, 0);
    char *text = printed(json);
    assert_non_null(strstr(text, "above 1.25e-06"));
    assert_non_null(strstr(text, "carriers none"));
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
the_table_fits_a_terminal_and_has_every_group(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(true, true);
    json_t *json = iw_snapshot_json(snapshot, 0);
    char *text = printed(json);
    static const char *const parts[] = {"li3ps4 at 600 K",
                                        "2500 frames of 9 atoms, 2 fs apart",
                                        "mobile: Li",
                                        "\"physical\"",
                                        "\"paper\"",
                                        "kB/atom",
                                        "Convergence: ",
                                        "framework",
                                        "charges Li 1 S -1.5 P 0.25 e",
                                        "volume 792 A3",
                                        "mS/cm",
                                        "Haven ratio",
                                        "carriers Li"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(text, parts[i]))
            fail_msg("the table lacks %s:\n%s", parts[i], text);
    }
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > 79)
            fail_msg("%zu columns: %.*s", n, (int)n, line);
        line += n + (line[n] == '\n');
    }
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
errors_of_vibrations_stand_in_the_last_digits(void **state)
{
    (void)state;
    const struct {
        double value, error;
        const char *shown;
    } cases[] = {
        {32.0614, 0.12, " 32.06(12)"},     {32.0614, 1.2, " 32.1(12)"},
        {32.0614, 0.0123, "32.061(12)"},   {-1234.56, 0.12, "-1234.6(1)"},
        {0.0849571, 1.6e-5, "0.08496(2)"}, {1234.56, 123, " 1235(123)"},
        {32.0614, NAN, "  32.06140\n"},    {NAN, 0.1, "         -\n"},
    };
    iw_snapshot *snapshot = example(false, false);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        snapshot->groups[0].vibration.c_v_meV_K = cases[c].value;
        snapshot->groups[0].vibration_stderr.c_v_meV_K = cases[c].error;
        json_t *json = iw_snapshot_json(snapshot, 0);
        char *text = printed(json);
        if (!strstr(text, cases[c].shown))
            fail_msg("%s is not in\n%s", cases[c].shown, text);
        free(text);
        json_decref(json);
    }
    iw_snapshot_unref(&snapshot);
}

/* The errors of an atom are those of its three modes; series carry theirs, thinned alike. */
static void
errors_carry_the_keys_of_the_values(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    iw_group_snapshot *group = &snapshot->groups[0];
    group->vibration_stderr.e_vib_meV = 0.25;
    group->D_green_kubo_plateau = (iw_plateau){2e-5, 3e-6, {400, 600}};
    group->vacf.e[0] = NAN;
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    const json_t *all = json_object_get(json_object_get(json, "groups"), "all");
    const json_t *errors = json_object_get(all, "stderr");
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++) {
        if (strcmp(row->category, "vibrational") == 0 && !json_object_get(errors, row->key))
            fail_msg("stderr lacks \"%s\"", row->key);
    }
    assert_close(json_number_value(json_object_get(errors, "e_vib_meV_atom")), 0.75, 1e-15, 0);
    const json_t *plateau = json_object_get(all, "D_green_kubo_plateau_cm2_s");
    assert_close(json_number_value(json_object_get(plateau, "stderr")), 3e-6, 0, 0);
    assert_close(json_number_value(json_array_get(json_object_get(plateau, "lag_fs"), 1)), 600, 0,
                 0);
    const char *const series[] = {"vacf", "vdos"}, *const axis[] = {"lag_fs", "energy_meV"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *of = json_object_get(all, series[i]);
        assert_int_equal(json_array_size(json_object_get(of, "stderr")),
                         json_array_size(json_object_get(of, axis[i])));
    }
    assert_true(
        json_is_null(json_array_get(json_object_get(json_object_get(all, "vacf"), "stderr"), 0)));
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
value_and_error_end_at_the_same_digit(void **state)
{
    (void)state;
    const struct {
        double value, error;
        const char *shown;
    } cases[] = {
        {1.1134e-5, 1.2e-6, "(1.11 +- 0.12)e-05"},
        {9.96e-5, 9.9e-7, "(9.960 +- 0.099)e-05"},
        {-2.0e-9, 3.0e-8, "(-0.2 +- 3.0)e-08"},
        {5.0e-6, NAN, "5.00e-06"},
    };
    iw_snapshot *snapshot = example(false, false);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        snapshot->groups[0].diffusion.D_cm2_s = cases[c].value;
        snapshot->groups[0].diffusion.stderr_cm2_s = cases[c].error;
        json_t *json = iw_snapshot_json(snapshot, 0);
        char *text = printed(json);
        if (!strstr(text, cases[c].shown))
            fail_msg("%s is not in\n%s", cases[c].shown, text);
        free(text);
        json_decref(json);
    }
    iw_snapshot_unref(&snapshot);
}

/* As one line, whatever was folded. */
static char *
printed_unfolded(const json_t *json)
{
    char *text = printed(json);
    for (char *at = text; *at; at++)
        if (*at == '\n')
            *at = ' ';
    for (char *gap; (gap = strstr(text, "  ")) != NULL;)
        memmove(gap, gap + 1, strlen(gap));
    return text;
}

static void
decisions_and_predictions_are_printed(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    iw_convergence *c = &snapshot->convergence;
    snapshot->time_ps = 20;
    snapshot->health.state = IW_HEALTH_GOOD;
    c->predicted_ps_to_target = 120;
    c->predicted_ps_ci95[0] = 60;
    c->predicted_ps_ci95[1] = 200;
    c->n_decisions = 2;
    c->decisions[0] = (iw_decision){.rule = IW_RULE_PRECISION,
                                    .action = IW_STOP_ADVISE,
                                    .frame = 615,
                                    .time_ps = 12.3,
                                    .reason = "relative error of D is 0.1",
                                    .holds = false,
                                    .saved_ps = 87.7};
    c->decisions[1] = (iw_decision){.rule = IW_RULE_BROKEN,
                                    .action = IW_STOP_STOP,
                                    .frame = 1000,
                                    .time_ps = 20,
                                    .reason = "too hot",
                                    .holds = true,
                                    .saved_ps = NAN};
    json_t *json = iw_snapshot_json(snapshot, 0);
    char *text = printed_unfolded(json);
    static const char *const parts[] = {
        "about 120 ps more to the target (60 to 200 ps)",
        "advised to stop at 12.3 ps (frame 615) by the rule precision: relative error of D is 0.1; "
        "87.7 ps of MD to save; the run went on for 7.7 ps; this no longer holds",
        "asked to stop at 20 ps (frame 1000) by the rule broken: too hot ",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("the table lacks \"%s\":\n%s", parts[i], text);
    free(text);
    json_decref(json);
    /* an end that is not known, and a prediction that is not */
    c->predicted_ps_ci95[1] = NAN;
    for (int known = 1; known >= 0; known--) {
        c->predicted_ps_to_target = known ? 120 : NAN;
        json = iw_snapshot_json(snapshot, 0);
        text = printed_unfolded(json);
        assert_non_null(strstr(text, known ? "(60 ps or longer)" : "at least 60 ps more"));
        free(text);
        json_decref(json);
    }
    iw_snapshot_unref(&snapshot);
}

/* A sentence stands once in the table, and what is broken has no prediction. */
static void
the_table_says_a_thing_once(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    iw_convergence *c = &snapshot->convergence;
    static const char sentence[] = "the framework melted";
    snapshot->health.state = IW_HEALTH_BROKEN;
    (void)snprintf(snapshot->health.reason, sizeof snapshot->health.reason, "%s", sentence);
    (void)snprintf(c->reason, sizeof c->reason, "%s", sentence);
    c->predicted_ps_to_target = 120;
    c->n_decisions = 1;
    c->decisions[0] = (iw_decision){
        .rule = IW_RULE_BROKEN, .action = IW_STOP_STOP, .frame = 10, .time_ps = 5, .holds = true};
    (void)snprintf(c->decisions[0].reason, sizeof c->decisions[0].reason, "%s", sentence);
    json_t *json = iw_snapshot_json(snapshot, 0);
    json_t *events = json_object_get(json, "events");
    (void)json_array_append_new(events, json_pack("{s:s, s:s, s:s}", "id", "broken", "severity",
                                                  "fault", "text", sentence));
    char *text = printed_unfolded(json);
    char *first = strstr(text, sentence);
    assert_non_null(first);
    assert_null(strstr(first + 1, sentence));
    assert_non_null(strstr(text, "asked to stop at 5 ps (frame 10) by the rule broken "));
    assert_non_null(strstr(text, "fault broken: as told above"));
    assert_null(strstr(text, "more to the target"));
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
what_is_not_known_takes_no_room(void **state)
{
    (void)state;
    iw_snapshot *snapshot = example(false, false);
    iw_group_snapshot *all = &snapshot->groups[0];
    snapshot->equilibration.skipped_frames = 2500;
    snapshot->equilibration.skipped_ps = 20;
    snapshot->equilibration.averaged_ps = 0;
    all->diffusion.ci95_cm2_s[0] = 0;
    all->diffusion.ci95_cm2_s[1] = NAN;
    all->diffusion.effective_hops = 2096.4;
    for (size_t g = 0; g < snapshot->n_groups; g++) {
        snapshot->groups[g].vibration.f_vib_meV = NAN;
        snapshot->groups[g].D_green_kubo_stderr_cm2_s = NAN;
        snapshot->groups[g].D_green_kubo_plateau.D_cm2_s = NAN;
    }
    json_t *json = iw_snapshot_json(snapshot, 0);
    char *text = printed_unfolded(json);
    static const char *const there[] = {"all of the run: nothing is averaged", " no limit yet ",
                                        " 2096 ", "E_vib", "mobile: Li; framework: S P"},
                             *const gone[] = {"F_vib", "of Green and Kubo", " Li 4 ", "-nan"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!strstr(text, there[i]))
            fail_msg("the table lacks \"%s\":\n%s", there[i], text);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (strstr(text, gone[i]))
            fail_msg("the table has \"%s\":\n%s", gone[i], text);
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
}

static void
a_record_of_nothing_prints_and_nonsense_is_refused(void **state)
{
    (void)state;
    iw_snapshot *snapshot = iw_snapshot_new();
    json_t *json = iw_snapshot_json(snapshot, 0);
    char *text = printed(json);
    assert_non_null(strstr(text, "none known"));
    free(text);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    json = json_pack("{s:i}", "answer", 42);
    iw_error err;
    assert_int_equal(iw_record_print(json, stdout, &err), IW_INVALID);
    json_decref(json);
    assert_int_equal(iw_record_print(NULL, stdout, &err), IW_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_contract_is_there),
        cmocka_unit_test(series_come_when_asked_for_and_whole_when_asked_for),
        cmocka_unit_test(transport_is_null_without_charges_and_complete_with_them),
        cmocka_unit_test(not_a_number_becomes_null),
        cmocka_unit_test(per_atom_is_three_modes),
        cmocka_unit_test(errors_of_vibrations_stand_in_the_last_digits),
        cmocka_unit_test(errors_carry_the_keys_of_the_values),
        cmocka_unit_test(the_table_says_what_is_bounded_on_one_side_and_what_carries_nothing),
        cmocka_unit_test(the_table_fits_a_terminal_and_has_every_group),
        cmocka_unit_test(value_and_error_end_at_the_same_digit),
        cmocka_unit_test(decisions_and_predictions_are_printed),
        cmocka_unit_test(the_table_says_a_thing_once),
        cmocka_unit_test(what_is_not_known_takes_no_room),
        cmocka_unit_test(a_record_of_nothing_prints_and_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
