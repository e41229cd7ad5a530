/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_archive.c - a state with some of its numbers changed, as a hostile checkpoint has them.  It
 * is refused, or what was loaded goes on without harm: some frames, a snapshot, another state.
 * Input: a subject, then edits of the fields that its state was written in. */
#include "correlate/epochs.h"
#include "correlate/moments.h"
#include "correlate/msd.h"
#include "engine.h"
#include "fuzz_input.h"
#include "fuzz_target.h"
#include "publish/json.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATOMS = 3, MOST_FIELDS = 4096, LONE_FIELDS = 24, FRAMES_AFTER = 12 };

/* ---- frames of a small run: two Li that wander and a S that rattles ---- */

typedef struct {
    bool timestep, velocities, cell, charges;
    size_t frames;
    size_t gap_every; /* frames; 0: none */
    size_t bad_every; /* likewise, that are refused */
    double cold_until;
    iw_skip_options skip;
    bool paper;
} plot;

static double
noise(uint64_t n)
{
    n = (n + 1) * 0x9E3779B97F4A7C15ULL;
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9ULL;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBULL;
    return (double)(n >> 11) * 0x1.0p-53 - 0.5;
}

static void
fill(const plot *p, size_t t, iw_frame *frame)
{
    uint64_t missed = p->gap_every ? 3 * (t / p->gap_every) : 0;
    double warmth = (double)t < p->cold_until ? 0.3 : 1.0;
    frame->seq = t + 1 + missed;
    frame->step = (int64_t)(t + missed);
    frame->time_fs = 2.0 * (double)frame->step;
    frame->has_cell = p->cell;
    for (size_t k = 0; k < 9; k++)
        frame->cell_A[k] = k % 4 == 0 ? 8.0 + 0.1 * noise(7 * t) : 0.0;
    frame->has_velocities = p->velocities;
    for (size_t i = 0; i < 3 * ATOMS; i++) {
        double x = i < 6 ? 0.002 * (double)t * (double)(i % 3) : 0.0;
        frame->pos_A[i] = 2.5 * floor((double)i / 3.0) + x + 0.1 * noise(1000 * t + i);
        frame->vel_A_fs[i] = warmth * 0.02 * noise(2000 * t + i);
    }
    if (p->bad_every && t % p->bad_every == p->bad_every - 1)
        frame->pos_A[4] = NAN;
    frame->potential_energy_eV = -10.0 + 0.1 * noise(t);
}

typedef struct {
    const plot *plot;
    size_t at;
} reading;

static iw_status
next_frame(void *state, iw_frame *frame, iw_error *err)
{
    reading *self = state;
    (void)err;
    if (self->at == self->plot->frames)
        return IW_END;
    fill(self->plot, self->at++, frame);
    return IW_OK;
}

static iw_status
first_frame(void *state, iw_error *err)
{
    (void)err;
    ((reading *)state)->at = 0;
    return IW_OK;
}

static void
must(bool true_one)
{
    if (!true_one)
        abort();
}

static void
set_run(const plot *p, iw_run_info *run)
{
    static const char *const names[ATOMS] = {"Li", "Li", "S"};
    iw_error err;
    iw_run_info_init(run);
    must(iw_run_info_set_atoms(run, ATOMS, names, &err) == IW_OK);
    run->timestep_fs = p->timestep ? 2.0 : (double)NAN;
    run->temperature_K = 500.0;
    run->wrapped = p->cell;
    run->charge_e = p->charges ? malloc(ATOMS * sizeof(double)) : NULL;
    for (size_t i = 0; p->charges && i < ATOMS; i++)
        run->charge_e[i] = i < 2 ? 1.0 : -2.0;
}

static iw_engine *
new_engine(const plot *p)
{
    iw_run_info run;
    iw_error err;
    iw_engine_options options;
    set_run(p, &run);
    iw_engine_options_init(&options);
    options.vacf_window_ps = 0.04;
    options.skip = p->skip;
    options.convergence.target = 2.0;
    options.convergence.min_hops = 0.01;
    options.convergence.min_time_ps = 0.1;
    options.convergence.planned_ps = 10.0;
    for (int rule = 0; rule < IW_RULE_COUNT; rule++)
        options.convergence.mode[rule] = IW_STOP_STOP;
    iw_engine *engine = iw_engine_new(&run, &options, &err);
    iw_run_info_fini(&run);
    must(engine != NULL);
    return engine;
}

static void
push_frames(const plot *p, iw_engine *engine, size_t from, size_t to)
{
    iw_frame frame;
    iw_error err;
    must(iw_frame_init(&frame, ATOMS, &err) == IW_OK);
    for (size_t t = from; t < to; t++) {
        fill(p, t, &frame);
        must(iw_engine_push(engine, &frame, &err) != IW_NO_MEMORY);
    }
    iw_frame_fini(&frame);
}

/* ---- subjects ---- */

static const plot plots[] = {
    {.timestep = true,
     .velocities = true,
     .cell = true,
     .charges = true,
     .frames = 340,
     .gap_every = 130,
     .paper = true},
    {.frames = 3, .gap_every = 1, .velocities = true},
    {.timestep = true, .frames = 120, .bad_every = 50, .skip = {IW_SKIP_FIXED, 0.04, 0}},
    {.timestep = true,
     .velocities = true,
     .frames = 900,
     .cold_until = 200,
     .cell = true,
     .skip = {IW_SKIP_AUTO, 0.0, IW_REPLAY_LIVE}},
};
enum { PLOTS = sizeof plots / sizeof *plots, BLOCK = 8, WINDOW = 100 };
typedef enum { MSD = PLOTS, MOMENTS, VACF, SUBJECTS } correlator;

/* One of them, by its number. */
typedef struct {
    size_t number;
    iw_engine *engine;
    iw_msd *msd;
    iw_moments *moments;
    iw_vacf *vacf;
    iw_epochs *epochs;
} subject;

static const unsigned short kinds[ATOMS] = {0, 0, 1};

static subject
subject_new(size_t number)
{
    subject self = {.number = number};
    iw_error err;
    if (number < PLOTS)
        self.engine = new_engine(&plots[number]);
    else if (number == MSD)
        self.msd = iw_msd_new(&(iw_msd_options){ATOMS, 2, kinds, BLOCK}, &err);
    else if (number == MOMENTS)
        self.moments = iw_moments_new(&(iw_moments_options){ATOMS, 2, kinds}, &err);
    else
        self.vacf = iw_vacf_new(&(iw_vacf_options){ATOMS, 2, kinds, WINDOW, 0}, &err);
    if (self.vacf)
        self.epochs = iw_epochs_new(2, WINDOW, iw_vacf_block(self.vacf), &err);
    return self;
}

static void
subject_destroy(subject *self)
{
    iw_engine_destroy(&self->engine);
    iw_msd_destroy(&self->msd);
    iw_moments_destroy(&self->moments);
    iw_vacf_destroy(&self->vacf);
    iw_epochs_destroy(&self->epochs);
}

static void
subject_archive(subject *self, iw_archive *archive)
{
    if (self->engine)
        iw_engine_archive(self->engine, archive);
    if (self->msd)
        iw_msd_archive(self->msd, archive);
    if (self->moments)
        iw_moments_archive(self->moments, archive);
    if (self->vacf)
        iw_vacf_archive(self->vacf, archive);
    if (self->epochs)
        iw_epochs_archive(self->epochs, archive);
}

static void
push_positions(subject *self, size_t from, size_t to)
{
    iw_error err;
    iw_frame frame;
    must(iw_frame_init(&frame, ATOMS, &err) == IW_OK);
    for (size_t t = from; t < to; t++) {
        fill(&plots[0], t, &frame);
        bool gap = t % 97 == 60;
        iw_status status = IW_OK;
        if (self->msd)
            status =
                gap ? iw_msd_break(self->msd, &err) : iw_msd_push(self->msd, frame.pos_A, &err);
        if (self->moments)
            status = gap ? iw_moments_break(self->moments, &err)
                         : iw_moments_push(self->moments, frame.pos_A, &err);
        if (self->vacf)
            status = gap ? iw_vacf_break(self->vacf, &err)
                         : iw_vacf_push(self->vacf, frame.vel_A_fs, &err);
        if (self->epochs && !gap && status == IW_OK)
            status = iw_epochs_follow(self->epochs, self->vacf, &err);
        must(status != IW_NO_MEMORY);
    }
    iw_frame_fini(&frame);
}

/* All frames that a subject has before it is saved. */
static size_t
frames_before(size_t number)
{
    return number < PLOTS ? plots[number].frames : number == MSD ? 215 : 330;
}

static void
begin(subject *self)
{
    const plot *p = &plots[self->number < PLOTS ? self->number : 0];
    iw_error err;
    if (!self->engine) {
        push_positions(self, 0, frames_before(self->number));
        return;
    }
    push_frames(p, self->engine, 0, p->frames);
    if (p->paper) {
        plot first = *p;
        first.frames = 100;
        reading from = {.plot = &first};
        iw_source source = {.self = &from, .next = next_frame, .rewind = first_frame};
        iw_run_info run;
        set_run(p, &run);
        source.run = &run;
        must(iw_engine_paper(self->engine, &source, &err) == IW_OK);
        iw_run_info_fini(&run);
    }
}

static void
ask(subject *self)
{
    iw_error err;
    iw_msd_result msd = {0};
    iw_moments_result moments = {0};
    iw_vacf_result vacf = {0};
    if (self->engine) {
        iw_snapshot *snapshot = iw_engine_snapshot(self->engine, "running", &err);
        must(snapshot != NULL);
        json_decref(iw_snapshot_json(snapshot, IW_JSON_SERIES));
        iw_snapshot_unref(&snapshot);
    }
    if (self->msd)
        (void)iw_msd_query(self->msd, &msd, &err);
    if (self->moments)
        (void)iw_moments_query(self->moments, &moments, &err);
    if (self->vacf && iw_vacf_query(self->vacf, &vacf, &err) == IW_OK) {
        double *row = calloc(vacf.n_lags + 1, sizeof *row);
        const double weight[2] = {1.0, 2.0};
        must(row != NULL);
        for (size_t e = 0; e < iw_epochs_count(self->epochs, &vacf); e++) {
            iw_epochs_origins(self->epochs, &vacf, e, row);
            iw_epochs_sums(self->epochs, &vacf, e, weight, row);
        }
        free(row);
    }
    iw_msd_result_fini(&msd);
    iw_moments_result_fini(&moments);
    iw_vacf_result_fini(&vacf);
}

/* ---- states, and the fields that they are made of ---- */

typedef struct {
    iw_buffer bytes;
    size_t n_fields;
    size_t at[MOST_FIELDS], size[MOST_FIELDS];
    size_t alone; /* fields of 8 bytes in a row */
} saved;

/* Long rows of numbers are one field, lest every edit falls there. */
static iw_status
note_field(void *state, const void *data, size_t size, iw_error *err)
{
    saved *self = state;
    self->alone = size == sizeof(double) ? self->alone + 1 : 0;
    if (self->alone > LONE_FIELDS || self->n_fields == MOST_FIELDS) {
        self->size[self->n_fields - 1] += size;
    } else {
        self->at[self->n_fields] = self->bytes.size;
        self->size[self->n_fields++] = size;
    }
    return iw_buffer_append(&self->bytes, data, size, err);
}

static const saved *
state_of(size_t number)
{
    static saved states[SUBJECTS];
    saved *state = &states[number];
    if (state->n_fields > 0)
        return state;
    (void)gsl_set_error_handler_off(); /* as the programs do */
    iw_archive archive;
    subject self = subject_new(number);
    begin(&self);
    iw_archive_begin(&archive, &(iw_archive_place){.self = state, .write = note_field});
    subject_archive(&self, &archive);
    must(iw_archive_ok(&archive));
    subject_destroy(&self);
    return state;
}

/* ---- edits ---- */

static const uint64_t whole[] = {
    0,          1,          2,          63,        64,         1024,       UINT32_MAX,
    1ULL << 32, 1ULL << 52, 1ULL << 62, INT64_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX / 8};
static const double real[] = {0.0, -1.0, 1e-300, 1e-6, 1e9, 1e19, 1e300, -1e300, INFINITY, NAN};

static void
edit(const saved *state, fuzz_input *in, unsigned char *data, size_t *size)
{
    uint16_t field;
    fuzz_copy(in, &field, sizeof field);
    uint8_t kind = fuzz_byte(in), value = fuzz_byte(in);
    size_t f = field % state->n_fields, room = state->size[f];
    unsigned char *to = data + state->at[f];
    if (room >= 16) { /* an element of an array */
        uint16_t element;
        fuzz_copy(in, &element, sizeof element);
        to += element % (room / 8) * 8;
        room = 8;
    }
    uint64_t number = 0;
    memcpy(&number, to, room < 8 ? room : 8);
    switch (kind % 7) {
    case 0:
        number = value;
        break;
    case 1:
        number += (uint64_t)(int64_t)(int8_t)value;
        break;
    case 2:
        number = whole[value % (sizeof whole / sizeof *whole)];
        break;
    case 3:
        memcpy(&number, &real[value % (sizeof real / sizeof *real)], sizeof number);
        break;
    case 4:
        number = fuzz_u64(in);
        break;
    case 5:
        number ^= 1ULL << value % 64;
        break;
    default:
        *size = state->at[f] + value % (state->size[f] + 1);
        break;
    }
    memcpy(to, &number, room < 8 ? room : 8);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    size_t number = fuzz_byte(&in) % SUBJECTS;
    const saved *state = state_of(number);
    size_t length = state->bytes.size, frames = frames_before(number);
    unsigned char *bytes = malloc(length);
    must(bytes != NULL);
    memcpy(bytes, state->bytes.data, length);
    while (in.left > 0)
        edit(state, &in, bytes, &length);
    unsigned char *exact = malloc(length + 1); /* of just its size, for the sanitizer */
    must(exact != NULL);
    memcpy(exact, bytes, length);
    free(bytes);
    subject self = subject_new(number);
    iw_archive archive;
    iw_archive_cursor cursor = {.data = exact, .size = length};
    iw_archive_from_memory(&archive, &cursor);
    subject_archive(&self, &archive);
    if (iw_archive_ok(&archive)) {
        iw_buffer again = {0};
        if (self.engine)
            push_frames(&plots[number], self.engine, frames, frames + FRAMES_AFTER);
        else
            push_positions(&self, frames, frames + FRAMES_AFTER);
        iw_archive_to_buffer(&archive, &again);
        subject_archive(&self, &archive);
        must(iw_archive_ok(&archive));
        ask(&self); /* last: what it needs of memory is no state */
        iw_buffer_fini(&again);
    }
    subject_destroy(&self);
    free(exact);
    return 0;
}
