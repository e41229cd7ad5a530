/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_QE_INPUT_H
#define IW_QE_INPUT_H
/*
 * input.h - what an input of pw.x or cp.x says about the run: namelists, and the cards of species
 * and positions.
 */
#include "adapters/format.h"

typedef struct {
    char prefix[256], outdir[512], calculation[32], ion_temperature[32], ion_dynamics[32];
    double dt;        /* in the code's own atomic units; NAN if not given */
    double tempw_K;   /* NAN if not given */
    iw_names species; /* of ATOMIC_SPECIES */
    double *mass_amu; /* [species.n] */
    iw_names atoms;   /* of ATOMIC_POSITIONS, in its order */
} iw_qe_input;

/* OK for any text that can be read: what is not in it stays unknown.  Give zeroed state; fini frees
 * what it owns, also after a failure. */
iw_status iw_qe_input_read(iw_qe_input *self, const char *path, iw_error *err);
void iw_qe_input_fini(iw_qe_input *self);

/* Target of the thermostat; NAN where there is none. */
double iw_qe_target_K(const iw_qe_input *self);
/* Fills mass, target and ensemble of a run whose atoms are set. */
iw_status iw_qe_describe(const iw_qe_input *self, iw_run_info *run, iw_error *err);

bool iw_qe_is_input(const char *path); /* by its ending */

#endif
