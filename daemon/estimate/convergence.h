/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CONVERGENCE_H
#define IW_CONVERGENCE_H
/*
 * convergence.h - is the answer known?  Judged on the mobile group at checks spread evenly over the
 * run.
 *
 * "converged" needs, at `hold` consecutive checks: a diffusive regime (iw_diffusion.diffusive),
 * relative error of D at or below the target, effective hops and run length at least so much.
 * Pure: fed by the engine.
 */
#include "estimate/diffusion.h"

typedef enum { IW_STOP_OFF, IW_STOP_ADVISE, IW_STOP_STOP } iw_stop_mode;

typedef struct {
    iw_stop_mode mode;  /* off: only reported; advise: event; stop: the run is asked to end */
    double target;      /* relative standard error of D, default 0.20 */
    double min_hops;    /* default 50 */
    double min_time_ps; /* default 2 */
    unsigned hold;      /* consecutive checks, default 3 */
} iw_convergence_options;

typedef struct {
    char state[24];                /* "unknown", "converging", "converged" */
    char reason[200];              /* one sentence with the numbers */
    double relative_error;         /* stderr/D; NAN if not known */
    double predicted_ps_to_target; /* more MD time needed, ps; 0 when reached; NAN if not known */
    unsigned held;                 /* checks in a row that passed */
} iw_convergence;

void iw_convergence_options_init(iw_convergence_options *options);
/* One check: updates *state from D of the mobile group after time_ps of MD. */
void iw_convergence_check(iw_convergence *state, const iw_convergence_options *options,
                          const iw_diffusion *mobile, double time_ps);

#endif
