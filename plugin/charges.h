/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CHARGES_H
#define IW_CHARGES_H
/* charges.h - charges and masses of species from a list such as "Li=1,Cl=-1", in elementary charges
 * and amu. */
#include "frame.h"

/* INVALID: an entry that is not NAME=NUMBER, a name that is given twice. */
iw_status iw_charges_check(const char *list, iw_error *err);

typedef enum {
    IW_CHARGES_EXACT, /* names that the run does not have are refused */
    IW_CHARGES_TABLE  /* a table for many runs: they are passed over */
} iw_charges_kind;

/* Gives every atom of the run the charge of its species.  A species that the list does not name
 * keeps the charge that it has.  INVALID, and the run is as before: as for check; a name that the
 * run does not have, with those that it has; a species that has no charge and gets none.
 * NO_MEMORY. */
iw_status iw_charges_apply(iw_run_info *run, const char *list, iw_charges_kind kind, iw_error *err);

/* Gives every atom of the species that the list names that mass; others keep theirs.  INVALID, and
 * the run is as before: as for IW_CHARGES_EXACT; a mass that is not above zero. */
iw_status iw_masses_apply(iw_run_info *run, const char *list, iw_error *err);

#endif
