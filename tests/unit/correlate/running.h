/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_RUNNING_H
#define IW_RUNNING_H
/* running.h - the correlators under one table, for what must hold of each of them alike. */
#include "buffer.h"
#include "correlate/epochs.h"
#include "correlate/moments.h"
#include "correlate/msd_state.h"
#include "synthetic.h"

enum {
    MSD_BLOCK = 8,     /* frames */
    LONG_BLOCK = 256,  /* frames; the room for them grows on the way there */
    VACF_WINDOW = 150, /* lags: three blocks of 64 */
    LONG_WINDOW = 600  /* lags: three long blocks */
};

typedef struct {
    const char *name;
    size_t frames; /* that show all there is to see */
    void *(*make)(const synthetic *s, iw_error *err);
    void (*destroy)(void *self);
    iw_status (*push)(void *self, const double *frame, iw_error *err);
    iw_status (*gap)(void *self, iw_error *err);
    iw_status (*query)(void *self, iw_buffer *out, iw_error *err); /* all results, as bytes */
    void (*archive)(void *self, iw_archive *archive);
    size_t (*memory)(const void *self);
} running;

/* ---- msd ---- */

static inline void *
msd_make(const synthetic *s, iw_error *err)
{
    return iw_msd_new(&(iw_msd_options){s->n_atoms, s->n_species, s->kind, MSD_BLOCK}, err);
}

/* Its rounds take many pushes. */
static inline void *
slow_msd_make(const synthetic *s, iw_error *err)
{
    iw_msd *self = iw_msd_new(&(iw_msd_options){s->n_atoms, s->n_species, s->kind, MSD_BLOCK}, err);
    if (self)
        self->bytes_per_push = 1;
    return self;
}

static inline void *
long_msd_make(const synthetic *s, iw_error *err)
{
    return iw_msd_new(&(iw_msd_options){s->n_atoms, s->n_species, s->kind, LONG_BLOCK}, err);
}

static inline void
msd_destroy(void *self)
{
    iw_msd *msd = self;
    iw_msd_destroy(&msd);
}

static inline iw_status
msd_push(void *self, const double *frame, iw_error *err)
{
    return iw_msd_push(self, frame, err);
}

static inline iw_status
msd_gap(void *self, iw_error *err)
{
    return iw_msd_break(self, err);
}

static inline iw_status
msd_query(void *self, iw_buffer *out, iw_error *err)
{
    iw_msd_result r = {0};
    iw_status status = iw_msd_query(self, &r, err);
    size_t row = r.n_lags * sizeof(double);
    iw_buffer_clear(out);
    if (status == IW_OK)
        status = iw_buffer_append(out, &r.frames, sizeof r.frames, err);
    if (status == IW_OK)
        status = iw_buffer_append(out, r.sum_A2, 3 * r.n_species * row, err);
    if (status == IW_OK)
        status = iw_buffer_append(out, r.origins, row, err);
    iw_msd_result_fini(&r);
    return status;
}

static inline void
msd_archive(void *self, iw_archive *archive)
{
    iw_msd_archive(self, archive);
}

static inline size_t
msd_memory(const void *self)
{
    return iw_msd_memory(self);
}

/* ---- vacf ---- */

static inline void *
vacf_make(const synthetic *s, iw_error *err)
{
    return iw_vacf_new(&(iw_vacf_options){s->n_atoms, s->n_species, s->kind, VACF_WINDOW, 0}, err);
}

static inline void *
long_vacf_make(const synthetic *s, iw_error *err)
{
    return iw_vacf_new(&(iw_vacf_options){s->n_atoms, s->n_species, s->kind, LONG_WINDOW, 0}, err);
}

static inline void
vacf_destroy(void *self)
{
    iw_vacf *vacf = self;
    iw_vacf_destroy(&vacf);
}

static inline iw_status
vacf_push(void *self, const double *frame, iw_error *err)
{
    return iw_vacf_push(self, frame, err);
}

static inline iw_status
vacf_gap(void *self, iw_error *err)
{
    return iw_vacf_break(self, err);
}

static inline iw_status
vacf_bytes(const iw_vacf_result *r, iw_buffer *out, iw_error *err)
{
    size_t row = r->n_lags * sizeof(double);
    iw_status status = iw_buffer_append(out, &r->frames, sizeof r->frames, err);
    if (status == IW_OK)
        status = iw_buffer_append(out, r->sum, r->n_species * row, err);
    if (status == IW_OK)
        status = iw_buffer_append(out, r->origins, row, err);
    return status;
}

static inline iw_status
vacf_query(void *self, iw_buffer *out, iw_error *err)
{
    iw_vacf_result r = {0};
    iw_status status = iw_vacf_query(self, &r, err);
    iw_buffer_clear(out);
    if (status == IW_OK)
        status = vacf_bytes(&r, out, err);
    iw_vacf_result_fini(&r);
    return status;
}

static inline void
vacf_archive(void *self, iw_archive *archive)
{
    iw_vacf_archive(self, archive);
}

static inline size_t
vacf_memory(const void *self)
{
    return iw_vacf_memory(self);
}

/* ---- epochs, beside the VACF that they follow ---- */

typedef struct {
    size_t n_species;
    iw_vacf *vacf;
    iw_epochs *epochs;
    bool owed; /* a mark that could not be made yet */
} followed;

static inline void
epochs_destroy(void *self)
{
    followed *f = self;
    iw_vacf_destroy(&f->vacf);
    iw_epochs_destroy(&f->epochs);
    free(f);
}

static inline void *
epochs_make(const synthetic *s, iw_error *err)
{
    followed *f = calloc(1, sizeof *f);
    if (!f) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory");
        return NULL;
    }
    f->n_species = s->n_species;
    f->vacf = vacf_make(s, err);
    f->epochs = f->vacf ? iw_epochs_new(s->n_species, VACF_WINDOW, 2, err) : NULL;
    if (!f->epochs) {
        epochs_destroy(f);
        return NULL;
    }
    return f;
}

static inline iw_status
epochs_push(void *self, const double *frame, iw_error *err)
{
    followed *f = self;
    iw_status status = f->owed ? IW_OK : iw_vacf_push(f->vacf, frame, err);
    if (status != IW_OK)
        return status;
    status = iw_epochs_follow(f->epochs, f->vacf, err);
    f->owed = status != IW_OK;
    return status;
}

static inline iw_status
epochs_gap(void *self, iw_error *err)
{
    return iw_vacf_break(((followed *)self)->vacf, err);
}

static inline iw_status
epochs_query(void *self, iw_buffer *out, iw_error *err)
{
    followed *f = self;
    iw_vacf_result r = {0};
    iw_buffer_clear(out);
    iw_status status = iw_vacf_query(f->vacf, &r, err);
    if (status == IW_OK)
        status = vacf_bytes(&r, out, err);
    double *row = status == IW_OK ? malloc(r.n_lags * sizeof *row) : NULL;
    double *weight = status == IW_OK ? malloc(f->n_species * sizeof *weight) : NULL;
    if (status == IW_OK && (!row || !weight))
        status = iw_fail(err, IW_NO_MEMORY, "no memory");
    for (size_t e = 0; status == IW_OK && e < iw_epochs_count(f->epochs, &r); e++) {
        for (size_t s = 0; s < f->n_species; s++)
            weight[s] = 1.0 + (double)s;
        iw_epochs_sums(f->epochs, &r, e, weight, row);
        status = iw_buffer_append(out, row, r.n_lags * sizeof *row, err);
        iw_epochs_origins(f->epochs, &r, e, row);
        if (status == IW_OK)
            status = iw_buffer_append(out, row, r.n_lags * sizeof *row, err);
    }
    free(row);
    free(weight);
    iw_vacf_result_fini(&r);
    return status;
}

static inline void
epochs_archive(void *self, iw_archive *archive)
{
    followed *f = self;
    iw_vacf_archive(f->vacf, archive);
    iw_epochs_archive(f->epochs, archive);
}

static inline size_t
epochs_memory(const void *self)
{
    const followed *f = self;
    return sizeof *f + iw_vacf_memory(f->vacf) + iw_epochs_memory(f->epochs);
}

/* ---- moments ---- */

static inline void *
moments_make(const synthetic *s, iw_error *err)
{
    return iw_moments_new(&(iw_moments_options){s->n_atoms, s->n_species, s->kind}, err);
}

static inline void
moments_destroy(void *self)
{
    iw_moments *moments = self;
    iw_moments_destroy(&moments);
}

static inline iw_status
moments_push(void *self, const double *frame, iw_error *err)
{
    return iw_moments_push(self, frame, err);
}

static inline iw_status
moments_gap(void *self, iw_error *err)
{
    return iw_moments_break(self, err);
}

static inline iw_status
moments_query(void *self, iw_buffer *out, iw_error *err)
{
    iw_moments_result r = {0};
    iw_buffer_clear(out);
    iw_status status = iw_moments_query(self, &r, err);
    if (status == IW_OK) {
        const size_t numbers[] = {r.frames,   r.n_segments,   r.n_lags,
                                  r.n_epochs, r.epoch_frames, r.last_frames};
        status = iw_buffer_append(out, numbers, sizeof numbers, err);
    }
    if (status == IW_OK) {
        const char *begin = r.memory, *end = (const char *)(r.segment_frames + r.n_segments);
        status = iw_buffer_append(out, begin, (size_t)(end - begin), err);
    }
    iw_moments_result_fini(&r);
    return status;
}

static inline void
moments_archive(void *self, iw_archive *archive)
{
    iw_moments_archive(self, archive);
}

static inline size_t
moments_memory(const void *self)
{
    return iw_moments_memory(self);
}

static const running correlators[] = {
    {"msd", 150, msd_make, msd_destroy, msd_push, msd_gap, msd_query, msd_archive, msd_memory},
    {"msd, slow rounds", 150, slow_msd_make, msd_destroy, msd_push, msd_gap, msd_query, msd_archive,
     msd_memory},
    {"msd, long blocks", 300, long_msd_make, msd_destroy, msd_push, msd_gap, msd_query, msd_archive,
     msd_memory},
    {"vacf, long blocks", 300, long_vacf_make, vacf_destroy, vacf_push, vacf_gap, vacf_query,
     vacf_archive, vacf_memory},
    {"vacf", 480, vacf_make, vacf_destroy, vacf_push, vacf_gap, vacf_query, vacf_archive,
     vacf_memory},
    {"epochs", 300, epochs_make, epochs_destroy, epochs_push, epochs_gap, epochs_query,
     epochs_archive, epochs_memory},
    {"moments", 300, moments_make, moments_destroy, moments_push, moments_gap, moments_query,
     moments_archive, moments_memory},
};
enum { N_CORRELATORS = sizeof correlators / sizeof *correlators };

#endif
