/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/rows.h"

#include <stdlib.h>

iw_status
iw_epochs_add(iw_epochs *self, iw_when when, iw_error *err)
{
    if ((uint64_t)when.epoch < self->n)
        return IW_OK;
    if (self->n == self->capacity) {
        size_t capacity = 2 * self->capacity + 8;
        int64_t *grown = realloc(self->first, capacity * sizeof *grown);
        if (!grown)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu restarts", capacity);
        self->first = grown;
        self->capacity = capacity;
    }
    self->first[self->n++] = when.step;
    return IW_OK;
}

bool
iw_epochs_repeat(const iw_epochs *self, iw_when when)
{
    for (size_t e = (size_t)when.epoch + 1; e < self->n; e++)
        if (self->first[e] <= when.step)
            return true;
    return false;
}

void
iw_epochs_fini(iw_epochs *self)
{
    free(self->first);
    *self = (iw_epochs){0};
}

iw_when
iw_steps_next(const iw_steps *self, int64_t step)
{
    iw_when when = self->when;
    if (self->any && step <= when.step)
        when.epoch++;
    when.step = step;
    return when;
}

void
iw_steps_push(iw_steps *self, iw_when when)
{
    if (when.epoch > self->when.epoch || when.step > self->stale_last)
        self->stale = false;
    self->when = when;
    self->any = true;
}

bool
iw_steps_behind(iw_steps *self, iw_when wanted)
{
    bool restarted = wanted.epoch > self->asked.epoch && wanted.step <= self->asked.step;
    if (restarted && self->any && self->when.step >= wanted.step) {
        /* A job that was killed may have written up to the next step of the positions. */
        self->stale = true;
        self->stale_last = self->asked.step + self->spacing - 1;
    }
    if (self->any && wanted.step > self->asked.step)
        self->spacing = wanted.step - self->asked.step;
    self->asked = wanted;
    return !self->any || self->stale || self->when.step < wanted.step ||
           iw_epochs_repeat(&self->epochs, self->when);
}

static iw_status
read_row(iw_rows *self, iw_error *err)
{
    iw_line line, rest;
    iw_status status;
    do {
        iw_text_mark(self->text);
        status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        rest = line;
        while (rest.at < rest.end && (*rest.at == ' ' || *rest.at == '\t'))
            rest.at++;
    } while (rest.at == rest.end || *rest.at == '#');
    int64_t step;
    bool ok = iw_field_int(&rest, &step);
    for (size_t c = 0; ok && c < self->n_columns; c++)
        ok = iw_field_real(&rest, &self->value[c]);
    char excerpt[48];
    if (!ok)
        return iw_text_fail(self->text, err, IW_INVALID,
                            "expected a step and %zu numbers, found '%s'", self->n_columns,
                            iw_line_excerpt(line, excerpt));
    iw_steps_push(&self->steps, iw_steps_next(&self->steps, step));
    return IW_OK;
}

/* Where restarts repeat steps; the rows are read once for it. */
static iw_status
survey(iw_rows *self, iw_error *err)
{
    iw_rows file = {.n_columns = self->n_columns};
    /* As a file that grows: a last line without its end tells no step. */
    file.text = iw_text_open(iw_text_path(self->text), true, err);
    iw_status status = file.text ? IW_OK : IW_END;
    while (status == IW_OK && (status = read_row(&file, err)) == IW_OK)
        status = iw_epochs_add(&self->steps.epochs, file.steps.when, err);
    iw_rows_close(&file);
    /* What is wrong in a row is said when that row is read. */
    return status == IW_NO_MEMORY ? status : IW_OK;
}

iw_status
iw_rows_find(iw_rows *self, iw_when when, iw_error *err)
{
    if (!self->text)
        return IW_NOT_FOUND;
    iw_status status = self->steps.any ? IW_OK : survey(self, err);
    while (status == IW_OK && iw_steps_behind(&self->steps, when)) {
        status = self->ended ? IW_END : read_row(self, err);
        self->ended = status == IW_END;
    }
    if (status == IW_END || (status == IW_OK && self->steps.when.step != when.step))
        return IW_NOT_FOUND;
    return status;
}

void
iw_rows_close(iw_rows *self)
{
    iw_text_close(&self->text);
    iw_epochs_fini(&self->steps.epochs);
}
