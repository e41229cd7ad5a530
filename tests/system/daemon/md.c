/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "md.h"

#include "filed.h"

static void
open_run(md *self, const harness *daemon, size_t atoms, const char *id, const ionwatch_run *more)
{
    iw_error err;
    const char *species[1024];
    ionwatch_run run = *more;
    self->cold = 0;
    synthetic_run(&self->run, atoms);
    if (id)
        (void)snprintf(self->run.id, sizeof self->run.id, "%s", id);
    assert_ok(iw_frame_init(&self->frame, atoms, &err), err);
    for (size_t i = 0; i < atoms; i++)
        species[i] = self->run.species[self->run.kind[i]];
    run.run_id = self->run.id;
    run.name = "synthetic";
    run.code = "test";
    run.n_atoms = atoms;
    run.species = species;
    run.mass_amu = self->run.mass_amu;
    run.timestep = self->run.timestep_fs;
    run.temperature_K = 600;
    run.wrapped = 1;
    self->handle = ionwatch_open(daemon->endpoint, &run);
    assert_non_null(self->handle);
    assert_string_equal(ionwatch_error(self->handle), "");
}

void
md_open(md *self, const harness *daemon, size_t atoms, const char *id, const char *const *metadata)
{
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.metadata = metadata;
    run.spool_dir = daemon->folder;
    open_run(self, daemon, atoms, id, &run);
}

void
md_open_small(md *self, const harness *daemon, size_t atoms, const char *id, uint64_t queue_bytes,
              const char *spool)
{
    ionwatch_run run;
    ionwatch_run_init(&run);
    run.queue_bytes = queue_bytes;
    run.spool_dir = spool;
    open_run(self, daemon, atoms, id, &run);
}

void
md_send(md *self, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        ionwatch_frame frame;
        synthetic_frame(&self->run, seq, &self->frame);
        ionwatch_frame_init(&frame);
        frame.step = (int64_t)seq;
        frame.time = self->frame.time_fs;
        frame.cell = self->frame.cell_A;
        frame.pos_f64 = self->frame.pos_A;
        if (self->cold > 0)
            frame.temperature_K = (seq < self->cold ? 300 : 600) + 20 * sin(1.3 * (double)seq);
        if (ionwatch_send(self->handle, &frame) != IONWATCH_OK)
            fail_msg("frame %llu: %s", (unsigned long long)seq, ionwatch_error(self->handle));
    }
}

ionwatch_status
md_flush(md *self)
{
    ionwatch_status status = ionwatch_flush(self->handle, 30000);
    for (int i = 0; i < 600 && status == IONWATCH_REFUSED; i++) {
        pause_ms(50);
        status = ionwatch_flush(self->handle, 30000);
    }
    return status;
}

void
md_close(md *self)
{
    ionwatch_close(&self->handle, 10000);
    iw_frame_fini(&self->frame);
    iw_run_info_fini(&self->run);
}

/* The record of a filed run; it is the caller's. */
static json_t *
filed_record(harness *daemon, const char *id)
{
    iw_message answer;
    harness_wait_state(daemon, id, "completed");
    json_t *record = harness_ask(daemon, "show", id, true, &answer);
    assert_non_null(record);
    return record;
}

void
assert_filed_alike(harness *daemon, const char *disturbed, const char *undisturbed, uint64_t frames)
{
    static const char *const facts[] = {"frames", "time_ps", "segments", "dt_fs", "temperature_K"};
    json_t *actual = filed_record(daemon, disturbed);
    json_t *expected = filed_record(daemon, undisturbed);
    const json_t *mine = json_object_get(actual, "run");
    const json_t *theirs = json_object_get(expected, "run");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (!json_equal(json_object_get(mine, facts[i]), json_object_get(theirs, facts[i])))
            fail_msg("%s differs", facts[i]);
    assert_int_equal(json_integer_value(json_object_get(mine, "frames")), (json_int_t)frames);
    if (!json_equal(json_object_get(actual, "equilibration"),
                    json_object_get(expected, "equilibration")))
        fail_msg("what is left out differs");
    const char *name;
    json_t *group;
    const json_t *others = json_object_get(actual, "groups");
    json_object_foreach(json_object_get(expected, "groups"), name, group)
    {
        if (!json_equal(json_object_get(others, name), group))
            fail_msg("group %s differs", name);
    }
    assert_false(has_event(actual, "gap"));
    json_decref(actual);
    json_decref(expected);
}

char *
md_undisturbed(size_t atoms, uint64_t last, uint64_t cold)
{
    harness *daemon;
    char path[256], id[IW_ID_LENGTH + 1];
    md code;
    (void)harness_begin((void **)&daemon);
    harness_start(daemon, NULL, 0);
    md_open(&code, daemon, atoms, NULL, NULL);
    code.cold = cold;
    memcpy(id, code.run.id, sizeof id);
    md_send(&code, 1, last);
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
    harness_wait_state(daemon, id, "completed");
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", daemon->data);
    char *rows = filed_rows(path, id);
    assert_non_null(rows);
    (void)harness_end((void **)&daemon);
    return rows;
}
