/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/rows.h"

#include <stdlib.h>

int
iw_when_compare(iw_when a, iw_when b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return (a.step > b.step) - (a.step < b.step);
}

iw_when
iw_when_after(iw_when when, int64_t step, bool any_before)
{
    if (any_before && step <= when.step)
        when.epoch++;
    when.step = step;
    return when;
}

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
    self->when = iw_when_after(self->when, step, self->any);
    self->any = true;
    return IW_OK;
}

iw_status
iw_rows_find(iw_rows *self, iw_when when, iw_error *err)
{
    if (!self->text)
        return IW_NOT_FOUND;
    while (!self->any || iw_when_compare(self->when, when) < 0) {
        iw_status status = self->ended ? IW_END : read_row(self, err);
        self->ended = status == IW_END;
        if (status != IW_OK)
            return status == IW_END ? IW_NOT_FOUND : status;
    }
    return iw_when_compare(self->when, when) == 0 ? IW_OK : IW_NOT_FOUND;
}
