/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/cp2k/table.h"

int
iw_cp2k_compare(iw_cp2k_when a, iw_cp2k_when b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return (a.step > b.step) - (a.step < b.step);
}

iw_cp2k_when
iw_cp2k_after(iw_cp2k_when when, int64_t step, bool any_before)
{
    if (any_before && step <= when.step)
        when.epoch++;
    when.step = step;
    return when;
}

static iw_status
read_row(iw_cp2k_table *self, iw_error *err)
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
    self->when = iw_cp2k_after(self->when, step, self->any);
    self->any = true;
    return IW_OK;
}

iw_status
iw_cp2k_table_find(iw_cp2k_table *self, iw_cp2k_when when, iw_error *err)
{
    if (!self->text)
        return IW_NOT_FOUND;
    while (!self->any || iw_cp2k_compare(self->when, when) < 0) {
        iw_status status = self->ended ? IW_END : read_row(self, err);
        self->ended = status == IW_END;
        if (status != IW_OK)
            return status == IW_END ? IW_NOT_FOUND : status;
    }
    return iw_cp2k_compare(self->when, when) == 0 ? IW_OK : IW_NOT_FOUND;
}
