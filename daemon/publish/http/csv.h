/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_CSV_H
#define IW_HTTP_CSV_H
/* csv.h - one series of a record as a table with a line of names, which carry the units.  Pure. */
#include "buffer.h"

#include <jansson.h>
#include <stdbool.h>

#define IW_CSV_KINDS "msd, vacf, vdos, vdos_paper, history and health"

bool iw_csv_is_kind(const char *kind); /* NULL is none */

/* group: of msd, vacf and vdos.  What is not known is an empty cell.  NOT_FOUND: the record has no
 * such group or series. */
iw_status iw_csv_series(const json_t *record, const char *kind, const char *group, iw_buffer *out,
                        iw_error *err);

#endif
