/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>

struct iw_fingerprint {
    iw_source from;
    XXH3_state_t *hash;
    bool any;
    int64_t last_step; /* if any */
    char text[IW_FINGERPRINT];
};

static void
begin(iw_fingerprint *self)
{
    const iw_run_info *run = self->from.run;
    (void)XXH3_128bits_reset(self->hash);
    (void)XXH3_128bits_update(self->hash, run->species, run->n_species * sizeof *run->species);
    (void)XXH3_128bits_update(self->hash, run->kind, run->n_atoms * sizeof *run->kind);
    self->any = false;
    self->text[0] = '\0';
}

static void
add(iw_fingerprint *self, const iw_frame *frame)
{
    size_t size = 3 * frame->n_atoms * sizeof(double);
    if (self->any && frame->step <= self->last_step)
        return;
    self->any = true;
    self->last_step = frame->step;
    if (frame->has_cell)
        (void)XXH3_128bits_update(self->hash, frame->cell_A, sizeof frame->cell_A);
    (void)XXH3_128bits_update(self->hash, frame->pos_A, size);
    if (frame->has_velocities)
        (void)XXH3_128bits_update(self->hash, frame->vel_A_fs, size);
}

static iw_status
next(void *state, iw_frame *frame, iw_error *err)
{
    iw_fingerprint *self = state;
    iw_status status = self->from.next(self->from.self, frame, err);
    if (status == IW_OK)
        add(self, frame);
    if (status == IW_END) {
        XXH128_hash_t sum = XXH3_128bits_digest(self->hash);
        (void)snprintf(self->text, sizeof self->text, "xxh3:%016llx%016llx",
                       (unsigned long long)sum.high64, (unsigned long long)sum.low64);
    }
    return status;
}

static iw_status
rewind_source(void *state, iw_error *err)
{
    iw_fingerprint *self = state;
    begin(self);
    return self->from.rewind(self->from.self, err);
}

iw_fingerprint *
iw_fingerprint_new(const iw_source *source, iw_error *err)
{
    iw_fingerprint *self = calloc(1, sizeof *self);
    if (self)
        self->hash = XXH3_createState();
    if (!self || !self->hash) {
        free(self);
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the fingerprint of a run");
        return NULL;
    }
    self->from = *source;
    begin(self);
    return self;
}

void
iw_fingerprint_destroy(iw_fingerprint **self)
{
    if (!*self)
        return;
    (void)XXH3_freeState((*self)->hash);
    free(*self);
    *self = NULL;
}

iw_source
iw_fingerprint_source(iw_fingerprint *self)
{
    return (iw_source){self, self->from.run, next, rewind_source};
}

const char *
iw_fingerprint_text(const iw_fingerprint *self)
{
    return self->text;
}
