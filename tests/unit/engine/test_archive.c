/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of an analysis to bytes and back: what is loaded goes on as if nothing had been. */
#include "publish/json.h"
#include "story.h"

/* ---- states ---- */

static void
save(iw_engine *engine, iw_buffer *state)
{
    iw_archive archive;
    iw_error err;
    iw_buffer_clear(state);
    iw_archive_to_buffer(&archive, state);
    iw_engine_archive(engine, &archive);
    assert_ok(iw_archive_status(&archive, &err), err);
}

/* Into an engine of the caller; *left: bytes that were not read. */
static iw_status
load(iw_engine *engine, const void *data, size_t size, size_t *left, iw_error *err)
{
    iw_archive archive;
    iw_archive_cursor cursor = {.data = data, .size = size};
    iw_archive_from_memory(&archive, &cursor);
    iw_engine_archive(engine, &archive);
    *left = cursor.size - cursor.at;
    return iw_archive_status(&archive, err);
}

static iw_engine *
loaded(const story *s, const iw_buffer *state)
{
    iw_error err;
    size_t left = 1;
    iw_engine *engine = story_engine(s);
    assert_ok(load(engine, state->data, state->size, &left, &err), err);
    assert_int_equal(left, 0);
    return engine;
}

/* ---- what is known of a run ---- */

/* Everything that a caller can see, at full length. */
static char *
account(iw_engine *engine)
{
    const char *reason = "";
    iw_snapshot *snapshot = model_snapshot(engine);
    json_t *record = iw_snapshot_json(snapshot, IW_JSON_SERIES | IW_JSON_FULL);
    bool stop = iw_engine_should_stop(engine, &reason);
    const iw_convergence *c = iw_engine_convergence(engine);
    json_t *all = json_pack("{s:o, s:o, s:o, s:b, s:s, s:b, s:I, s:[i,i,i], s:i, s:i}", "record",
                            record, "convergence", iw_convergence_json(c), "events", json_array(),
                            "stop", stop, "reason", reason, "wants", iw_engine_wants_replay(engine),
                            "frames", (json_int_t)iw_engine_frames(engine), "held", (int)c->held[0],
                            (int)c->held[1], (int)c->held[2], "checks", (int)c->history.n, "health",
                            (int)iw_engine_health(engine)->state);
    assert_non_null(all);
    const iw_event_list *events = iw_engine_events(engine);
    for (size_t i = 0; i < events->n; i++) {
        const iw_event *e = &events->items[i];
        json_t *one = json_pack("{s:s, s:I, s:I, s:I, s:s}", "id", iw_event_id(e->kind), "frame",
                                (json_int_t)e->frame, "step", (json_int_t)e->step, "count",
                                (json_int_t)e->count, "text", e->text);
        assert_int_equal(json_array_append_new(json_object_get(all, "events"), one), 0);
    }
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    json_decref(all);
    iw_snapshot_unref(&snapshot);
    return text;
}

static void
assert_same_account(const story *s, size_t t, iw_engine *one, iw_engine *other)
{
    char *a = account(one), *b = account(other);
    for (size_t i = 0; strcmp(a, b) != 0; i++)
        if (a[i] != b[i])
            fail_msg("%s, %zu frames: ...%.60s... is now ...%.60s...", s->name, t,
                     a + (i > 30 ? i - 30 : 0), b + (i > 30 ? i - 30 : 0));
    free(a);
    free(b);
}

/* ---- a run that is handed on ---- */

static void
assert_same_state(const story *s, size_t t, const iw_buffer *one, const iw_buffer *other)
{
    size_t i = 0;
    while (i < one->size && i < other->size && one->data[i] == other->data[i])
        i++;
    if (i < one->size || i < other->size)
        fail_msg("%s, %zu frames: states of %zu and %zu bytes differ at %zu", s->name, t, one->size,
                 other->size, i);
}

/* IONWATCH_THOROUGH=1: every frame and every byte, a minute. */
static bool
is_thorough(void)
{
    return getenv("IONWATCH_THOROUGH") != NULL;
}

/* All of the first frames, then every thirteenth, and where frames are wanted again. */
static bool
is_time(const iw_engine *engine, size_t t)
{
    return t < 150 || t % 13 == 0 || iw_engine_wants_replay(engine) || is_thorough();
}

/* After a frame the state goes into a new engine, which takes the next one.  It is the same, to the
 * byte, as that of an engine that was only saved, and what it says is the same as what one says
 * that was left alone. */
static void
hand_on(const story *s)
{
    iw_engine *alone = story_engine(s), *saved = story_engine(s), *handed = story_engine(s);
    iw_buffer one = {0}, other = {0};
    for (size_t t = 0; t <= s->n; t++) {
        iw_engine **all[] = {&alone, &saved, &handed};
        for (size_t k = 0; k < 3; k++) {
            if (t < s->n)
                story_push(s, *all[k], t);
            else
                iw_engine_conclude(*all[k]);
            if (k == 2 &&
                is_time(handed, t)) { /* also where frames are wanted again, and none came yet */
                save(handed, &one);
                iw_engine_destroy(&handed);
                handed = loaded(s, &one);
            }
            story_replay(s, *all[k], t < s->n ? t + 1 : t);
            if (s->paper_at > 0 && (t + 1 == s->paper_at || t == s->n))
                story_paper(s, *all[k], t < s->n ? t + 1 : t);
        }
        if (is_time(handed, t)) {
            save(saved, &one);
            save(handed, &other);
            assert_same_state(s, t, &one, &other);
        }
        /* Also where convergence has just been looked at. */
        if (t % 151 == 17 || t == 99 || t == 199 || t == s->n)
            assert_same_account(s, t, saved, handed);
    }
    assert_same_account(s, s->n, alone, handed);
    iw_engine_destroy(&alone);
    iw_engine_destroy(&saved);
    iw_engine_destroy(&handed);
    iw_buffer_fini(&one);
    iw_buffer_fini(&other);
}

static void
a_run_handed_on_from_engine_to_engine_is_the_same_run(void **state)
{
    (void)state;
    for (size_t k = 0; k < STORIES; k++) {
        story s;
        stories[k](&s);
        hand_on(&s);
        story_fini(&s);
    }
}

/* The stories tell what they are meant to. */
static void
stories_have_what_they_promise(void **state)
{
    (void)state;
    static const struct {
        story_teller tell;
        iw_event_kind event;
    } promises[] = {
        {story_of_gaps, IW_EVENT_gap},
        {story_of_gaps, IW_EVENT_not_neutral},
        {story_of_gaps, IW_EVENT_uneven_step},
        {story_of_disorder, IW_EVENT_velocity_mismatch},
        {story_of_restarts, IW_EVENT_step_back},
        {story_of_restarts, IW_EVENT_no_velocities},
        {story_of_refusals, IW_EVENT_not_finite},
        {story_of_refusals, IW_EVENT_singular_cell},
        {story_of_refusals, IW_EVENT_missing_velocities},
        {story_of_refusals, IW_EVENT_half_cell_jump},
        {story_of_refusals, IW_EVENT_broken},
        {story_of_a_broken_run, IW_EVENT_broken},
        {story_of_a_broken_run, IW_EVENT_temperature_runaway},
        {story_of_a_broken_run, IW_EVENT_exploding_cell},
        {story_of_a_broken_run, IW_EVENT_energy_drift},
        {story_of_a_known_answer, IW_EVENT_converged},
        {story_of_a_lost_cause, IW_EVENT_futile},
    };
    for (size_t k = 0; k < sizeof promises / sizeof *promises; k++) {
        story s;
        bool kept = false;
        promises[k].tell(&s);
        iw_engine *engine = story_engine(&s);
        for (size_t t = 0; t < s.n; t++)
            story_push(&s, engine, t);
        const iw_event_list *events = iw_engine_events(engine);
        for (size_t i = 0; i < events->n; i++)
            kept = kept || events->items[i].kind == promises[k].event;
        if (!kept)
            fail_msg("%s: no %s", s.name, iw_event_id(promises[k].event));
        iw_engine_destroy(&engine);
        story_fini(&s);
    }
}

/* ---- refusals ---- */

static void
a_state_cut_short_is_refused_at_every_length(void **state)
{
    (void)state;
    story s;
    iw_error err;
    iw_buffer bytes = {0};
    story_of_gaps(&s);
    iw_engine *engine = story_engine(&s);
    for (size_t t = 0; t < 9; t++)
        story_push(&s, engine, t);
    save(engine, &bytes);
    iw_engine_destroy(&engine);
    for (size_t size = 0; size < bytes.size; size += is_thorough() ? 1 : 13) {
        size_t left;
        unsigned char *copy = malloc(size + 1); /* what lies beyond is not read */
        memcpy(copy, bytes.data, size);
        engine = story_engine(&s);
        assert_int_equal(load(engine, copy, size, &left, &err), IW_CORRUPT);
        iw_engine_destroy(&engine);
        free(copy);
    }
    iw_buffer_fini(&bytes);
    story_fini(&s);
}

typedef void (*change)(iw_run_info *run, iw_engine_options *options);

#define CHANGE(name, what)                                                                         \
    static void name(iw_run_info *run, iw_engine_options *options)                                 \
    {                                                                                              \
        (void)run;                                                                                 \
        (void)options;                                                                             \
        what;                                                                                      \
    }
CHANGE(change_id, run->id[0] = 'x')
CHANGE(change_kind, run->kind[0] = run->kind[1]; run->mass_amu[0] = run->mass_amu[1])
CHANGE(change_species, memcpy(run->species[1], "Se", 3))
CHANGE(change_mass, for (size_t i = 0; i < 9; i += 3) run->mass_amu[i] += 0.5;
       run->mass_amu[8] += 0.5)
CHANGE(change_charge, run->charge_e[4] += 1.0)
CHANGE(forget_charges, free(run->charge_e); run->charge_e = NULL)
CHANGE(change_timestep, run->timestep_fs = 1.0)
CHANGE(change_target, run->temperature_K = 700.0)
CHANGE(forget_target, run->temperature_K = NAN)
CHANGE(change_wrapped, run->wrapped = false)
CHANGE(change_drift, options->drift = IW_DRIFT_NONE)
CHANGE(change_stride, options->msd_stride = 2)
CHANGE(change_window, options->vacf_window_ps = 0.2)
CHANGE(change_memory, options->memory_mib = 64)
CHANGE(change_taper, options->taper = IW_TAPER_HANN)
CHANGE(change_cutoff, options->cutoff_meV = 31.0)
CHANGE(change_temperature, options->temperature_K = 650.0)
CHANGE(change_paper, options->paper_spacing_fs = 4.0)
CHANGE(change_hop, options->diffusion.hop_length_A = 2.0)
CHANGE(change_alpha, options->diffusion.alpha_tolerance = 0.2)
CHANGE(change_jump, options->diffusion.jump_length_A = 1.0)
CHANGE(change_fit, options->diffusion.from_ps = 1.0)
CHANGE(change_mode, options->convergence.mode[IW_RULE_FUTILITY] = IW_STOP_STOP)
CHANGE(change_goal, options->convergence.target = 0.1)
CHANGE(change_hops, options->convergence.min_hops = 10)
CHANGE(change_least, options->convergence.min_time_ps = 1)
CHANGE(change_trend, options->convergence.trend_sigmas = 3)
CHANGE(change_hold, options->convergence.hold = 5)
CHANGE(change_floor, options->convergence.min_D_cm2_s = 1e-7)
CHANGE(change_budget, options->convergence.budget_ps = 10)
CHANGE(change_plan, options->convergence.planned_ps = 10)
CHANGE(change_broken, options->convergence.broken_hold = 2)
CHANGE(change_finished, options->finished = true)
CHANGE(change_rule, options->skip.rule = IW_SKIP_NONE)
CHANGE(change_skip, options->skip.fixed_ps = 1.0)
CHANGE(change_replay, options->skip.replay = IW_REPLAY_LIVE)
CHANGE(change_mobile, static const char *const named[] = {"S"}; options->mobile = named;
       options->n_mobile = 1)

/* Another configuration, or another run: the frames have to be read from the start. */
static void
a_state_of_another_run_or_other_options_is_refused_with_what_differs(void **state)
{
    (void)state;
    static const struct {
        change make;
        const char *says;
    } changes[] = {
        {change_id, "id"},
        {change_kind, "species of an atom"},
        {change_species, "species: \"S\" was saved, \"Se\" is wanted"},
        {change_mass, "mass of an atom in amu: 6.94 was saved, 7.44"},
        {change_charge, "charge of an atom in e"},
        {forget_charges, "charges are known"},
        {change_timestep, "timestep in fs: 2 was saved, 1 is wanted"},
        {change_target, "target temperature in K: 600 was saved, 700 is wanted"},
        {forget_target, "target temperature in K"},
        {change_wrapped, "positions are folded"},
        {change_drift, "drift"},
        {change_stride, "MSD stride: 1 was saved, 2 is wanted"},
        {change_window, "VACF window"},
        {change_memory, "memory limit in MiB: 4096 was saved, 64 is wanted"},
        {change_taper, "taper"},
        {change_cutoff, "cut-off"},
        {change_temperature, "temperature in K"},
        {change_paper, "spacing of method paper"},
        {change_hop, "length of a hop"},
        {change_alpha, "alpha"},
        {change_jump, "length of a jump"},
        {change_fit, "start of the fit"},
        {change_mode, "futility"},
        {change_goal, "target: 0.2"},
        {change_hops, "hops"},
        {change_least, "least time"},
        {change_trend, "trend"},
        {change_hold, "checks in a row"},
        {change_floor, "least D"},
        {change_budget, "budget"},
        {change_plan, "planned length"},
        {change_broken, "broken frames in a row"},
        {change_finished, "finished"},
        {change_rule, "rule of what is skipped"},
        {change_skip, "time to skip"},
        {change_replay, "read again"},
        {change_mobile, "mobile species"},
    };
    story s;
    iw_error err;
    iw_buffer bytes = {0};
    story_init(&s, "refused", 90, CELL_CUBIC, true, true);
    story_charge(&s, 1.0, -1.0, -0.5);
    iw_engine *engine = story_engine(&s);
    for (size_t t = 0; t < s.n; t++)
        story_push(&s, engine, t);
    save(engine, &bytes);
    iw_engine_destroy(&engine);
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        size_t left;
        story other = {.name = "other", .options = s.options};
        assert_ok(iw_run_info_copy(&other.run, &s.run, &err), err);
        changes[k].make(&other.run, &other.options);
        engine = story_engine(&other);
        assert_int_equal(load(engine, bytes.data, bytes.size, &left, &err), IW_CORRUPT);
        if (!strstr(err.text, changes[k].says))
            fail_msg("\"%s\" is not in \"%s\"", changes[k].says, err.text);
        iw_engine_destroy(&engine);
        iw_run_info_fini(&other.run);
    }
    iw_buffer_fini(&bytes);
    story_fini(&s);
}

static void
there_is_no_state_while_frames_are_read_again(void **state)
{
    (void)state;
    story s;
    iw_error err;
    iw_archive archive;
    iw_buffer bytes = {0};
    story_of_a_cold_start(&s);
    iw_engine *engine = story_engine(&s);
    size_t t = 0;
    for (; t < s.n && !iw_engine_wants_replay(engine); t++)
        story_push(&s, engine, t);
    assert_true(t < s.n);
    save(engine, &bytes); /* wanted, and not begun */
    for (size_t again = 0; again < t; again++) {
        assert_ok(iw_engine_replay_push(engine, &s.frames[again], &err), err);
        bool wanted = iw_engine_wants_replay(engine);
        assert_int_equal(wanted, again + 1 < t);
        iw_buffer_clear(&bytes);
        iw_archive_to_buffer(&archive, &bytes);
        iw_engine_archive(engine, &archive);
        assert_int_equal(iw_archive_status(&archive, &err), wanted ? IW_INVALID : IW_OK);
        assert_int_equal(bytes.size == 0, wanted);
    }
    iw_engine_destroy(&engine);
    iw_buffer_fini(&bytes);
    story_fini(&s);
}

static void
a_state_is_loaded_before_the_first_frame_only(void **state)
{
    (void)state;
    story s;
    iw_error err;
    size_t left;
    iw_buffer bytes = {0};
    story_of_gaps(&s);
    iw_engine *engine = story_engine(&s);
    story_push(&s, engine, 0);
    save(engine, &bytes);
    assert_int_equal(load(engine, bytes.data, bytes.size, &left, &err), IW_INVALID);
    assert_int_equal(left, bytes.size);
    iw_engine_destroy(&engine);
    iw_buffer_fini(&bytes);
    story_fini(&s);
}

/* Method paper is as long as the run: a place with room of its own for it gets it once. */
typedef struct {
    iw_buffer state, bulk;
    size_t puts, at;
    iw_archive_key keys[64];
    size_t begins[64], sizes[64];
} keeper;

static iw_status
keep(void *self, const void *data, size_t size, iw_error *err)
{
    return iw_buffer_append(&((keeper *)self)->state, data, size, err);
}

static iw_status
keep_once(void *self, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    keeper *k = self;
    for (size_t i = 0; i < k->puts; i++)
        if (k->keys[i].low == key.low && k->keys[i].high == key.high)
            return IW_OK;
    assert_true(k->puts < 64);
    k->keys[k->puts] = key;
    k->begins[k->puts] = k->bulk.size;
    k->sizes[k->puts++] = size;
    return iw_buffer_append(&k->bulk, data, size, err);
}

static iw_status
give(void *self, void *data, size_t size, iw_error *err)
{
    keeper *k = self;
    if (size > k->state.size - k->at)
        return iw_fail(err, IW_CORRUPT, "no more");
    memcpy(data, k->state.data + k->at, size);
    k->at += size;
    return IW_OK;
}

static uint64_t
left_of(const void *self)
{
    const keeper *k = self;
    return k->state.size - k->at + k->bulk.size;
}

static iw_status
give_kept(void *self, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    const keeper *k = self;
    for (size_t i = 0; i < k->puts; i++) {
        if (k->keys[i].low == key.low && k->keys[i].high == key.high && k->sizes[i] == size) {
            memcpy(data, k->bulk.data + k->begins[i], size);
            return IW_OK;
        }
    }
    return iw_fail(err, IW_CORRUPT, "not kept");
}

static void
what_does_not_change_is_kept_once(void **state)
{
    (void)state;
    story s;
    iw_error err;
    iw_archive archive;
    keeper k = {.puts = 0};
    story_of_a_cold_start(&s);
    s.options.skip.replay = IW_REPLAY_NEVER;
    iw_engine *engine = story_engine(&s);
    for (size_t t = 0; t < 700; t++)
        story_push(&s, engine, t);
    story_paper(&s, engine, 700);
    size_t puts = 0, bulk = 0;
    for (size_t t = 700; t < 703; t++) {
        story_push(&s, engine, t);
        iw_buffer_clear(&k.state);
        iw_archive_begin(&archive,
                         &(iw_archive_place){.self = &k, .write = keep, .put = keep_once});
        iw_engine_archive(engine, &archive);
        assert_ok(iw_archive_status(&archive, &err), err);
        if (t > 700) {
            assert_int_equal(k.puts, puts);
            assert_int_equal(k.bulk.size, bulk);
        }
        puts = k.puts;
        bulk = k.bulk.size;
    }
    assert_true(bulk > 700 * sizeof(double));
    iw_engine *other = story_engine(&s);
    iw_archive_begin(
        &archive, &(iw_archive_place){.self = &k, .read = give, .get = give_kept, .left = left_of});
    iw_engine_archive(other, &archive);
    assert_ok(iw_archive_status(&archive, &err), err);
    assert_same_account(&s, 703, engine, other);
    iw_engine_destroy(&engine);
    iw_engine_destroy(&other);
    iw_buffer_fini(&k.state);
    iw_buffer_fini(&k.bulk);
    story_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_have_what_they_promise),
        cmocka_unit_test(a_run_handed_on_from_engine_to_engine_is_the_same_run),
        cmocka_unit_test(a_state_cut_short_is_refused_at_every_length),
        cmocka_unit_test(a_state_of_another_run_or_other_options_is_refused_with_what_differs),
        cmocka_unit_test(there_is_no_state_while_frames_are_read_again),
        cmocka_unit_test(a_state_is_loaded_before_the_first_frame_only),
        cmocka_unit_test(what_does_not_change_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
