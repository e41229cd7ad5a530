/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_UNITS_H
#define IW_UNITS_H
/*
 * units.h - names of columns that people import: a descriptor of the catalogue and a unit.
 *
 * "band_gap_meV" is band_gap_eV in thousandths; "band_gap_stderr_eV" its standard error.  Only what
 * runs do not measure may be imported.
 */
#include "error.h"
#include "publish/json.h"

typedef struct {
    char descriptor[64]; /* in the unit of the catalogue */
    const char *unit, *category;
    double factor; /* from the column's unit to that one */
    bool is_error;
} iw_column;

/* INVALID, with what was meant or which units there are: a name of nothing, with another kind of
 * unit, or of what runs measure.  as_is: a name of nothing is taken as it stands, with the unit
 * that it ends in, else as a pure number. */
iw_status iw_column_find(const char *name, bool as_is, iw_column *out, iw_error *err);

#endif
