/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_KINDS_H
#define IW_KINDS_H
/* kinds.h - which events a user wants to be told. */
#include "error.h"
#include "events.h"

typedef struct {
    bool chosen[IW_EVENT_COUNT];
} iw_kinds;

/* Names of events, and of groups of them: all, faults, warnings, health; separated by commas or
 * blanks.  INVALID: an unknown one, with the nearest that is known. */
iw_status iw_kinds_parse(const char *words, iw_kinds *kinds, iw_error *err);

#endif
